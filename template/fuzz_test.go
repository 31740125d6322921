package template_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/template"
)

const fuzzMax = 1 << 12

// FuzzNew loads a file of any name and content as a part, as a partial and as settings, and renders the result.
func FuzzNew(f *testing.F) {
	require.NoError(f, fs.WalkDir(os.DirFS("testdata/shop"), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var content []byte
			content, err = os.ReadFile(path.Join("testdata/shop", name))
			f.Add(path.Base(name), string(content))
		}
		return err
	}))
	for _, content := range []string{
		"{{range $i, $e := .list}}{{if eq $i 0}}{{continue}}{{end}}{{$e}}{{else}}{{break}}{{end}}",
		`{{define "a"}}{{template "b" .}}{{end}}{{define "b"}}{{block "c" .x}}{{.}}{{end}}{{end}}{{template "a" .}}`,
		"<a href='{{.a}}' onclick='f({{.b}})' style='{{.a}}'><!--[if mso]>{{.x}}<![endif]--><script>{{.list}}</script>",
		"{{range 99}}{{range .}}{{end}}{{end}}{{printf `%*d%[9]s%` 3 .a .list nil}}{{slice .a 1 0}}{{call .a}}",
		"{{(index .list 0).x | printf `%s` | html}}{{with $x := .x}}{{$x = 1.5}}{{$x}}{{end}}{{- /* c */ -}}",
	} {
		for _, name := range []string{"a.text.tmpl", "a.html.tmpl"} {
			f.Add(name, content)
		}
	}
	data := object(f, `{"a": "b", "b": 2, "x": {"y": null}, "list": [{"x": "<\"'&"}, 1.5e300], "order": {"id": 1, "items": [{"name": "n", "quantity": 1}]}}`)
	f.Fuzz(func(t *testing.T, name, content string) {
		if !fs.ValidPath(name) || strings.Contains(name, "/") {
			t.Skip()
		}
		for _, fsys := range []fstest.MapFS{
			{"k/" + name: {Data: []byte(content)}},
			{"_p.tmpl": {Data: []byte(content)}, "k/a.text.tmpl": {Data: []byte(`{{template "p" .}}`)}, "k/a.html.tmpl": {Data: []byte(`<i>{{template "p" .}}`)}},
			{"k/a.text.tmpl": {}, "k/a.extra.json": {Data: []byte(content)}},
		} {
			s, err := template.New(fsys, &template.Options{MaxOutput: fuzzMax})
			if err != nil {
				require.True(t, strings.HasPrefix(err.Error(), "template: "), err.Error())
				continue
			}
			for _, locale := range []string{"", "zh"} {
				for _, name := range []string{"a", strings.Split(name, ".")[0]} {
					out, err := s.Render(t.Context(), template.Request{Key: "k", Channel: name, Locale: locale, Data: data, Recipient: data})
					sane(t, out, err)
				}
			}
		}
	})
}

// sane checks the invariants of every rendering.
func sane(t *testing.T, out template.Rendered, err error) {
	t.Helper()
	if err != nil {
		var e *channel.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, channel.Rejected, e.Kind)
		require.NotEmpty(t, e.Field)
		require.Zero(t, out)
		return
	}
	c := out.Content
	size := len(out.Extra)
	for _, s := range []string{c.Title, c.Text, c.HTML, c.Markdown, c.URL} {
		require.True(t, utf8.ValidString(s))
		size += len(s)
	}
	if c.Approved != nil {
		for _, p := range c.Approved.Params {
			size += len(p.Value)
		}
	}
	require.LessOrEqual(t, size, 2*fuzzMax) // settings may grow by quoting
	if out.Extra != nil {
		require.True(t, json.Valid(out.Extra))
	}
}

// FuzzRender renders templates that use most functions and contexts, with any data.
func FuzzRender(f *testing.F) {
	s, err := template.New(fstest.MapFS{
		"k/default.title.tmpl":    {Data: []byte("{{index .list 0}}")},
		"k/default.text.tmpl":     {Data: []byte("{{range $k, $v := .}}{{range $v}}{{.}}{{end}}{{print $k}}{{end}}{{date .layout .at}}{{recipient.name}}")},
		"k/default.html.tmpl":     {Data: []byte("<p style='color: {{.name}}'><a href='{{.name}}' onclick='f({{.name}})'>{{.name}}</a><!--{{.name}}-->")},
		"k/default.url.tmpl":      {Data: []byte("https://x.example/{{urlquery .name}}?{{.name | js}}")},
		"k/default.approved.json": {Data: []byte(`{"name": "n", "params": [{"name": "p", "value": "{{money .total .digits .name}}"}]}`)},
		"k/default.extra.json":    {Data: []byte(`{"a": ["{{.name}}"], "b": {"c": "{{printf .layout .name .total}}", "d": "{{plural .total .name .layout}}"}}`)},
		"k/name.text.tmpl":        {Data: []byte("{{.name}}")},
		"k/name.extra.json":       {Data: []byte(`{"name": "{{.name}}"}`)},
		"k/compare.text.tmpl":     {Data: []byte("{{if lt .total .digits}}{{eq .name .layout .total}}{{else}}{{slice .name 1 .digits}}{{end}}{{len .list}}")},
		"k/print.text.tmpl":       {Data: []byte("{{.total}} {{println .total .name}}{{html .name}}{{range .digits}}{{end}}")},
	}, &template.Options{MaxOutput: fuzzMax})
	require.NoError(f, err)
	f.Add(`{"list": ["a"], "layout": "2006", "at": "2026-01-02T03:04:05Z", "name": "red", "total": 1999, "digits": 2}`, "Europe/Paris")
	f.Add(`{"list": [[null, {"a": {}}]], "layout": "%[2]*[1]d", "at": 1, "name": "\"}\u0000\ud800</script>-->", "total": 1e300, "digits": -1}`, "")
	f.Add(`{"list": [], "total": 0.1, "name": {"name": "<no value>"}, "digits": 9999999999}`, "x")
	f.Add(`[1, 2]`, "")
	f.Fuzz(func(t *testing.T, text, zone string) {
		var data any
		if json.Unmarshal([]byte(text), &data) != nil {
			t.Skip()
		}
		data = integers(data)
		for _, name := range []string{"all", "name", "compare", "print"} {
			out, err := s.Render(t.Context(), template.Request{Key: "k", Channel: name, TimeZone: zone, Data: data, Recipient: data})
			sane(t, out, err)
			if err == nil && name == "name" {
				var extra map[string]string
				require.NoError(t, json.Unmarshal(out.Extra, &extra))
				require.True(t, strings.HasPrefix(extra["name"], out.Content.Text))
				if text, ok := data.(map[string]any)["name"].(string); ok {
					require.Equal(t, text, extra["name"])
				}
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Render(ctx, template.Request{Key: "k", Data: data})
		require.ErrorIs(t, err, context.Canceled)
	})
}
