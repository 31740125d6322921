package template_test

import (
	"bytes"
	htmltemplate "html/template"
	"io"
	"testing"
	"testing/fstest"
	texttemplate "text/template"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/template"
)

const benchSource = `Hello {{.name}},
order {{.order.id}} for {{.order.total}} is on its way.
{{range .items}}- {{.quantity}} x {{.name}}
{{end}}{{if .order.gift}}It is a gift.{{end}}`

func benchData() any {
	item := func(name string, n int64) any { return map[string]any{"name": name, "quantity": n} }
	return map[string]any{
		"name":  "Ann",
		"order": map[string]any{"id": "A-17", "total": "19.99 EUR", "gift": true},
		"items": []any{item("tea", 2), item("cup", 3), item("pot", 1)},
	}
}

// BenchmarkRender renders one part with a Set, and for comparison with text/template or html/template alone.
func BenchmarkRender(b *testing.B) {
	type executor interface {
		Execute(w io.Writer, data any) error
	}
	plain := map[string]executor{
		"text": texttemplate.Must(texttemplate.New("").Option("missingkey=error").Parse(benchSource)),
		"html": htmltemplate.Must(htmltemplate.New("").Option("missingkey=error").Parse(benchSource)),
	}
	for _, part := range []string{"text", "html"} {
		b.Run(part+"/set", func(b *testing.B) {
			s, err := template.New(fstest.MapFS{"k/email." + part + ".tmpl": {Data: []byte(benchSource)}}, nil)
			require.NoError(b, err)
			r := template.Request{Key: "k", Channel: "email", Locale: "en", Data: benchData()}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Render(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(part+"/"+part+"template", func(b *testing.B) {
			var w bytes.Buffer
			data := benchData()
			b.ReportAllocs()
			for b.Loop() {
				w.Reset()
				if err := plain[part].Execute(&w, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
