package template_test

import (
	"errors"
	"iter"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/template"
)

// canary is a value that no error may contain.
const canary = "s3cr3t"

func TestFaults(t *testing.T) {
	data := map[string]any{
		"name": canary, "null": nil, "digits": int64(424242), "half": 4242.42,
		"customer": map[string]any{"name": canary},
		"items":    []any{map[string]any{"name": canary, "tags": []any{canary}}, map[string]any{"price": canary}},
		"byname":   map[string]any{canary: map[string]any{"x": canary}},
	}
	tests := map[string]struct{ src, field, text string }{
		"a missing field":                  {"\n{{.code}}", "data.code", `k/default.text.tmpl:2: missing field "code"`},
		"a missing field of a field":       {"{{.customer.nick}}", "data.customer.nick", `missing field "nick"`},
		"a field of a missing field":       {"{{.order.id}}", "data.order.id", `missing field "order"`},
		"a field of null":                  {"{{.null.id}}", "data.null.id", `missing field "id" of null`},
		"a field of text":                  {"{{.name.first}}", "data.name.first", `missing field "first" of a value that is not an object`},
		"a method":                         {"{{.customer.String}}", "data.customer.String", `missing field "String"`},
		"a missing condition":              {"{{if .code}}{{end}}", "data.code", `missing field "code"`},
		"a missing argument":               {`{{printf "%s" .code}}`, "data.code", `missing field "code"`},
		"inside with":                      {"{{with .customer}}{{.nick}}{{end}}", "data.customer.nick", `missing field "nick"`},
		"inside else":                      {"{{with .null}}{{else}}{{.nick}}{{end}}", "data.nick", `missing field "nick"`},
		"inside range":                     {"{{range .items}}{{.name}}{{end}}", "data.items[].name", `missing field "name"`},
		"inside range of a range":          {"{{range .items}}{{range .tags}}{{.x}}{{end}}{{end}}", "data.items[].tags[].x", `missing field "x"`},
		"inside range over an object":      {"{{range $k, $v := .byname}}{{$v.y}}{{end}}", "data.byname[].y", `missing field "y"`},
		"of a variable":                    {"{{$c := .customer}}{{with .name}}{{$c.nick}}{{end}}", "data.customer.nick", `missing field "nick"`},
		"of a variable set in a condition": {"{{if $c := .customer}}{{$c.nick}}{{end}}", "data.customer.nick", `missing field "nick"`},
		"of a variable in a range":         {"{{range $i := .items}}{{$i.name}}{{end}}", "data.items[].name", `missing field "name"`},
		"of an index":                      {"{{$i := index .items 0}}{{$i.nick}}", "template", `missing field "nick"`},
		"of an index in parentheses":       {"{{(index .items 0).nick}}", "template", `missing field "nick"`},
		"of the root":                      {"{{with .customer}}{{$.nick}}{{end}}", "data.nick", `missing field "nick"`},
		"of the recipient":                 {"{{recipient.nick}}", "recipient.nick", `missing field "nick"`},
		"of the recipient's data":          {"{{recipient.data.nick}}", "recipient.data.nick", `missing field "nick"`},
		"of the recipient as a variable":   {"{{$r := recipient}}{{$r.data.nick}}", "recipient.data.nick", `missing field "nick"`},
		"in a template that is called": {
			`{{define "c"}}{{.nick}}{{end}}{{template "c" .customer}}`, "data.customer.nick", `missing field "nick"`,
		},
		"in one that is called twice": {
			`{{define "c"}}{{.nick}}{{end}}{{template "c" .customer}}{{template "c" .}}`, "template", `missing field "nick"`,
		},
		"in one that is called without": {`{{define "c"}}{{.nick}}{{end}}{{template "c"}}`, "template", `missing field "nick"`},
		"null":                          {"{{.null}}", "data.null", "null cannot be printed"},
		"null from a pipe":              {`{{.null | print}}`, "data.null", "print: null cannot be printed"},
		"an object":                     {"\n{{.customer}}", "data.customer", "k/default.text.tmpl:2: an object cannot be printed"},
		"a list in a range":             {"{{range .items}}{{.tags}}{{end}}", "data.items[].tags", "a list cannot be printed"},
		"a date":                        {`{{date "2006" .name}}`, "data.name", "date: the value must be an RFC 3339 time"},
		"a date from a pipe":            {`{{.customer.name | date "2006"}}`, "data.customer.name", "date: the value must be an RFC 3339 time"},
		"an amount":                     {`{{money .half 2 "EUR"}}`, "data.half", "money: the amount must be a whole number"},
		"a code of two fields":          {`{{money .half .digits "EUR"}}`, "template", "money: the amount must be a whole number"},
		"a type":                        {`{{money 1 2 .digits}}`, "data.digits", "wrong type for value; expected string; got int64"},
		"an index":                      {"{{index .items .digits}}", "template", "index: index out of range"},
		"an index of text":              {"{{index .name .name}}", "data.name", "index: cannot index slice/array with type string"},
		"a slice":                       {"{{slice .name 99}}", "data.name", "slice: index out of range"},
		"a length":                      {"{{len .digits}}", "data.digits", "len: len of type int64"},
		"a range":                       {"{{range .name}}{{end}}", "data.name", "the action failed"},
		"a range over a number":         {"{{range .half}}{{end}}", "data.half", "the action failed"},
		"a range over two":              {"{{range $a, $b := .digits}}{{end}}", "data.digits", "the action failed"},
		"a comparison":                  {"{{lt .name .digits}}", "template", "lt: the values must be two numbers, two strings or two booleans"},
		"a function of the host's":      {"{{number .name}}", "data.name", "the function number failed"},
		"one that panics":               {"{{panic .name}}", "data.name", "the function panic failed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := template.New(files(map[string]string{"k/default.text.tmpl": test.src}), &template.Options{Funcs: map[string]any{
				"number": strconv.Atoi,
				"panic":  func(s string) string { panic(s) },
			}})
			require.NoError(t, err)
			recipient := map[string]any{"id": canary, "data": map[string]any{"name": canary}}
			_, err = s.Render(t.Context(), template.Request{Key: "k", Data: data, Recipient: recipient})
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, channel.Rejected, e.Kind)
			require.Equal(t, test.field, e.Field)
			require.ErrorContains(t, err, test.text)
			require.ErrorContains(t, err, "k/default.text.tmpl:")
			for _, secret := range []string{canary, "424242", "4242.42"} {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func TestFaultsOfNoData(t *testing.T) {
	for _, src := range []string{"{{.code}}", "{{.code.x}}", "{{with .}}{{else}}{{.code}}{{end}}"} {
		_, err := renderText(t, src, template.Request{})
		require.ErrorContains(t, err, `missing field "code"`)
		require.ErrorContains(t, err, "data.code")
	}
}

func TestFaultsInOtherFiles(t *testing.T) {
	s := newSet(t, map[string]string{
		"_sign.tmpl":            "\n\n{{.sign.name}}",
		"k/a.html.tmpl":         `<p title="{{template "sign" .}}">{{template "sign" .}}</p>`,
		"k/b.approved.json":     `{"name": "n", "params": [{"name": "a", "value": "x"}, {"name": "b", "value": "{{.id}}"}]}`,
		"k/c.text.tmpl":         "x",
		"k/c.extra.json":        `{"at": ["{{.phone}}"]}`,
		"k/d.html.tmpl":         "{{.null}}",
		"k/e.html.tmpl":         "{{range .list}}\n<b>{{.}}</b>{{end}}",
		"k/default.zh.url.tmpl": "x",
	})
	data := map[string]any{"null": nil, "list": []any{map[string]any{"a": canary}}}
	for channel, want := range map[string][2]string{
		"a": {"data.sign.name", "_sign.tmpl:3: "},
		"b": {"data.id", "k/b.approved.json params[1].value:1: "},
		"c": {"data.phone", "k/c.extra.json at[0]:1: "},
		"d": {"data.null", "k/d.html.tmpl:1: null cannot be printed"},
		"e": {"data.list[]", "k/e.html.tmpl:2: an object cannot be printed"},
		"f": {"template", `no variant of "k" for channel "f" and locale "fr"`},
	} {
		_, err := s.Render(t.Context(), template.Request{Key: "k", Channel: channel, Locale: "fr", Data: data})
		require.ErrorContains(t, err, want[0]+": ")
		require.ErrorContains(t, err, want[1])
		require.NotContains(t, err.Error(), canary)
	}
}

func TestCauseOfAHostFunctionCanBeFound(t *testing.T) {
	errNoRate := errors.New("no rate for " + canary)
	s, err := template.New(files(map[string]string{"k/default.text.tmpl": "{{rate}}"}), &template.Options{
		Funcs: map[string]any{"rate": func() (string, error) { return "", errNoRate }},
	})
	require.NoError(t, err)
	_, err = s.Render(t.Context(), template.Request{Key: "k"})
	require.ErrorIs(t, err, errNoRate)
	require.NotContains(t, err.Error(), canary)
}

func TestPanicIsAFault(t *testing.T) {
	s, err := template.New(files(map[string]string{"k/default.text.tmpl": "{{range all}}{{.}}{{end}}"}), &template.Options{
		Funcs: map[string]any{"all": func() iter.Seq[int] { return func(func(int) bool) { panic(canary) } }},
	})
	require.NoError(t, err)
	_, err = s.Render(t.Context(), template.Request{Key: "k"})
	require.ErrorIs(t, err, channel.Rejected)
	require.ErrorContains(t, err, "k/default: panic in")
	require.NotContains(t, err.Error(), canary)
}
