package template_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/template"
)

func TestFunctions(t *testing.T) {
	data := map[string]any{
		"at": "2026-12-31T23:30:00.5-05:00", "summer": "2026-07-01T12:00:00Z", "day": "2026-07-01",
		"zero": int64(0), "one": int64(1), "two": int64(2), "cents": int64(-5), "big": int64(-9223372036854775808),
		"half": 0.5, "three": 3.0, "million": 1234567.5, "tiny": 0.0000012, "huge": 1e21, "cheap": 3e-7,
		"name": "Ann & Bob", "empty": "", "yes": true, "no": false, "null": nil,
		"list": []any{"a", int64(2)}, "object": map[string]any{"a": "x"}, "exponent": "1e+06", "go": "map[a:b]", "novalue": "<no value>",
		"brackets": "[x]", "percent": "%!d(x)",
	}
	tests := map[string]struct{ src, want string }{ // want "": an error
		"date is in the recipient's zone":        {`{{date "2006-01-02 15:04 -0700" .at}}`, "2027-01-01 05:30 +0100"},
		"date knows summer time":                 {`{{.summer | date "15:04"}}`, "14:00"},
		"date wants a time":                      {`{{date "15:04" .day}}`, ""},
		"date wants text":                        {`{{date "15:04" .one}}`, ""},
		"date wants something":                   {`{{date "15:04" .null}}`, ""},
		"money has decimals":                     {`{{money 1999 2 "EUR"}}`, "19.99 EUR"},
		"money of yen has none":                  {`{{money 1999 0 "JPY"}}`, "1999 JPY"},
		"money takes digits from data":           {`{{money .two .two "EUR"}}`, "0.02 EUR"},
		"money can be owed":                      {`{{money .cents 2 "EUR"}}`, "-0.05 EUR"},
		"money can be the least":                 {`{{money .big 18 ""}}`, "-9.223372036854775808"},
		"money is whole":                         {`{{money .half 2 "EUR"}}`, ""},
		"money is whole if the float is":         {`{{money .three 2 "EUR"}}`, "0.03 EUR"},
		"money is a number":                      {`{{money .name 2 "EUR"}}`, ""},
		"money has not too many digits":          {`{{money .one 19 "EUR"}}`, ""},
		"money has not too few digits":           {`{{money .one -1 "EUR"}}`, ""},
		"plural of none":                         {`{{plural .zero "item" "items"}}`, "items"},
		"plural of one":                          {`{{plural .one "item" "items"}}`, "item"},
		"plural of two":                          {`{{plural .two "item" "items"}}`, "items"},
		"plural of a half":                       {`{{plural .half "item" "items"}}`, "items"},
		"plural of a length":                     {`{{plural (len .object) "item" "items"}}`, "item"},
		"plural of what is no number":            {`{{plural .name "item" "items"}}`, ""},
		"recipient has data":                     {`{{recipient.name}}`, "Cid"},
		"recipient can be a context":             {`{{with recipient}}{{.name}}{{end}}`, "Cid"},
		"recipient misses a field":               {`{{recipient.nick}}`, ""},
		"recipient is no text":                   {`{{recipient}}`, ""},
		"integers compare with floats":           {`{{gt .one .half}} {{lt .half .one}} {{eq .three 3}} {{ge .three .two}} {{le 1.0 .one}} {{ne .half 1}}`, "true true true true true true"},
		"large integers compare exactly":         {`{{eq 9007199254740993 9007199254740992}}`, "false"},
		"strings compare":                        {`{{lt "a" "b"}} {{eq .name "x" "Ann & Bob"}} {{ge "a" "b"}}`, "true true false"},
		"booleans compare":                       {`{{eq .yes true}} {{ne .no true}}`, "true true"},
		"null is null":                           {`{{eq .null nil}} {{eq .name .null}} {{ne .object nil}} {{eq .null 1 nil}}`, "true false true true"},
		"text and numbers do not compare":        {`{{eq .name 1}}`, ""},
		"lists do not compare":                   {`{{eq .list .list}}`, ""},
		"null is not less":                       {`{{lt .null 1}}`, ""},
		"nothing cannot be compared":             {`{{eq .name}}`, ""},
		"numbers print":                          {`{{.one}} {{.half}} {{.three}} {{.big}}`, "1 0.5 3 -9223372036854775808"},
		"numbers print without exponents":        {`{{.million}} {{.tiny}} {{.huge}}`, "1234567.5 0.0000012 1000000000000000000000"},
		"what is before them prints once":        {`a {{.million}} b`, "a 1234567.5 b"},
		"print prints them so too":               {`{{print .million 1 .half}}`, "1234567.5 1 0.5"},
		"text prints as it is":                   {`{{.exponent}}|{{.go}}|{{.novalue}}|{{.brackets}}`, "1e+06|map[a:b]|<no value>|[x]"},
		"null does not print":                    {`{{.null}}`, ""},
		"null does not print from a missing key": {`{{index .object "b"}}`, ""},
		"null can be asked for":                  {`{{with index .object "b"}}{{.}}{{else}}none{{end}}`, "none"},
		"a list does not print":                  {`{{.list}}`, ""},
		"an object does not print":               {`{{.object}}`, ""},
		"the data does not print":                {`{{.}}`, ""},
		"none of them prints with print":         {`{{print "a" .null}}`, ""},
		"none of them prints with printf":        {`{{printf "%v" .list}}`, ""},
		"none of them prints escaped":            {`{{urlquery .object}}`, ""},
		"printf is there":                        {`{{printf "%-4s|%03d|%q|%t" "ab" .two .empty .yes}}`, `ab  |002|""|true`},
		"printf takes integers for floats":       {`{{printf "%.2f %.2f %6.1e" .one .half .two}}`, "1.00 0.50 2.0e+00"},
		"printf takes floats for integers":       {`{{printf "%d %x" .three .three}}`, "3 3"},
		"printf takes no halves for integers":    {`{{printf "%d" .half}}`, ""},
		"printf takes no text for numbers":       {`{{printf "%d" .name}}`, ""},
		"printf takes no numbers for text":       {`{{printf "%s" .one}}`, ""},
		"printf prints without exponents":        {`{{printf "%v" .million}}`, "1234567.5"},
		"printf may be told the order":           {`{{printf "%[2]s %[1]s" "a" "b"}}`, "b a"},
		"printf leaves percent signs":            {`{{printf "%s 100%%" .percent}}`, "%!d(x) 100%"},
		"printf misses a value":                  {`{{printf "%d of %d" .one}}`, ""},
		"printf has a value left":                {`{{printf "%d" .one .name}}`, ""},
		"printf has a bad verb":                  {`{{printf .percent}}`, ""},
		"printf has no such index":               {`{{printf "%[3]d" .one}}`, ""},
		"printf takes no width from values":      {`{{printf "%*d" 5 .one}}`, ""},
		"printf takes no pointers":               {`{{printf "%p" .name}}`, ""},
		"printf has bounds":                      {`{{printf "%1001d" 1}}`, ""},
		"text is not escaped":                    {`<b>{{.name}}</b>`, "<b>Ann & Bob</b>"},
		"text can be escaped":                    {`{{html .name}} {{urlquery .name}} {{js .name}}`, `Ann &amp; Bob Ann+%26+Bob Ann \u0026 Bob`},
		"slices cut letters in two":              {`{{slice "é" 0 1}}`, "?"},
		"and, or, not, len, index":               {`{{and .one .name}} {{or .zero .two}} {{not .no}} {{len .list}} {{index .list 1}}`, "Ann & Bob 2 true 2 2"},
		"range over data":                        {`{{range $i, $e := .list}}{{$i}}{{$e}}{{else}}x{{end}}{{range .two}}{{.}}{{end}}`, "0a1201"},
		"break and continue":                     {`{{range 5}}{{if eq . 1}}{{continue}}{{end}}{{if gt . 2}}{{break}}{{end}}{{.}}{{end}}`, "02"},
		"variables":                              {`{{$n := .one}}{{range 3}}{{$n = .}}{{end}}{{$n}}`, "2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := renderText(t, test.src, template.Request{
				Data: data, Recipient: map[string]any{"name": "Cid"}, TimeZone: "Europe/Berlin",
			})
			if test.want == "" {
				require.ErrorIs(t, err, channel.Rejected)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestDateKnowsItsZone(t *testing.T) {
	data := map[string]any{"at": "2026-07-01T12:00:00Z"}
	got, err := renderText(t, `{{date "15:04 MST" .at}}`, template.Request{Data: data})
	require.NoError(t, err)
	require.Equal(t, "12:00 UTC", got)

	for _, zone := range []string{"Local", "Europe/Nowhere", "../etc/passwd", "Europe//Berlin", "./UTC"} {
		_, err = renderText(t, `{{date "15:04" .at}}`, template.Request{Data: data, TimeZone: zone})
		var e *channel.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "recipient.time_zone", e.Field)
	}
}

func TestDateFollowsTheRecipient(t *testing.T) {
	s := newSet(t, map[string]string{"k/a.text.tmpl": `{{date "15:04" .at}}`})
	for zone, want := range map[string]string{"": "12:00", "Asia/Shanghai": "20:00", "America/New_York": "08:00"} {
		out, err := s.Render(t.Context(), template.Request{
			Key: "k", Channel: "a", TimeZone: zone, Data: map[string]any{"at": "2026-07-01T12:00:00Z"},
		})
		require.NoError(t, err)
		require.Equal(t, want, out.Content.Text)
	}
}

func TestHostFunctionsGoFirst(t *testing.T) {
	s, err := template.New(files(map[string]string{
		"k/a.text.tmpl": `{{money 1 2 "EUR"}} {{shout "a"}} {{index 1}}`,
		"k/a.html.tmpl": `{{raw "<b>"}} {{shout "<"}}`,
	}), &template.Options{Funcs: map[string]any{
		"money": func(n, digits int, code string) string { return code + " ours" },
		"index": func(n int) int { return n },
		"shout": func(s string) (string, error) { return s + "!", nil },
		"raw":   func(s string) any { return s },
	}})
	require.NoError(t, err)
	out, err := s.Render(t.Context(), template.Request{Key: "k", Channel: "a"})
	require.NoError(t, err)
	require.Equal(t, "EUR ours a! 1", out.Content.Text)
	require.Equal(t, "&lt;b&gt; &lt;!", out.Content.HTML)
}
