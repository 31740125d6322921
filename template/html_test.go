package template_test

import (
	htmltemplate "html/template"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/template"
)

func TestHTML(t *testing.T) {
	data := map[string]any{
		"name": `<script>alert("x")</script>`, "q": "a b&c", "link": "https://x.example/a?b=c&d", "bad": "javascript:alert(1)",
		"n": 1234567.5, "empty": "", "color": "red", "mark": "ZgotmplZ",
	}
	tests := map[string]struct{ src, want string }{ // want "": an error
		"text is escaped":                 {`<p>{{.name}}</p>`, `<p>&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;</p>`},
		"attributes are escaped":          {`<p title="{{.name}}">`, `<p title="&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;">`},
		"links are encoded":               {`<a href="/?q={{.q}}">`, `<a href="/?q=a%20b%26c">`},
		"whole links are kept":            {`<a href="{{.link}}">`, `<a href="https://x.example/a?b=c&amp;d">`},
		"unsafe links are errors":         {`<a href="{{.bad}}">`, ""},
		"inline pictures are named so":    {`<img src="cid:{{.color}}">`, `<img src="cid:red">`},
		"styles are filtered":             {`<p style="color: {{.color}}">`, `<p style="color: red">`},
		"unsafe styles are errors":        {`<p style="color: {{.bad}}">`, ""},
		"partials are escaped in place":   {`<p title="{{template "q" .}}">{{template "q" .}}`, `<p title="<i>a b&amp;c"><i>a b&amp;c`},
		"escaping twice is escaping once": {`{{.q | html}}`, `a b&amp;c`},
		"numbers have no exponents":       {`{{.n}}`, `1234567.5`},
		"nor in scripts, nor quotes":      {`<script>f({{.n}})</script>`, `<script>f( 1234567.5 )</script>`},
		"data cannot feign an error":      {`{{.mark}}`, `Zgotmpl Z`},
		"empty text is nothing":           {`[{{.empty}}]`, `[]`},
		"comments are dropped":            {`a{{.empty}}<!-- {{.q}} -->b`, `ab`},
		"raw HTML of the host's stays":    {`{{raw "<b>"}}`, `<b>`},
		"comments for Outlook are kept":   {"{{.color}}<!--[if mso | IE]><table><![endif]-->x", "red<!--[if mso | IE]><table><![endif]-->x"},
		"with what they hold":             {"<!--[if gte mso 9]>\n<b title=\"{{.name}}\">{{.q}}</b><![endif]-->", "<!--[if gte mso 9]>\n<b title=\"&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;\">a b&amp;c</b><![endif]-->"},
		"and those for all but Outlook":   {"{{.color}}<!--[if !mso]><!--><i><!--<![endif]-->", "red<!--[if !mso]><!--><i><!--<![endif]-->"},
		"and those in a shared partial":   {`{{template "outlook" .}}`, "<!--[if mso]>red<![endif]-->"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := template.New(files(map[string]string{
				"_q.tmpl":       "<i>{{.q}}",
				"_outlook.tmpl": "<!--[if mso]>{{.color}}<![endif]-->",
				"k/a.html.tmpl": test.src,
			}), &template.Options{Funcs: map[string]any{"raw": func(s string) htmltemplate.HTML { return htmltemplate.HTML(s) }}})
			require.NoError(t, err)
			out, err := s.Render(t.Context(), template.Request{Key: "k", Channel: "a", Data: data})
			if test.want == "" {
				require.ErrorIs(t, err, channel.Rejected)
				require.NotContains(t, err.Error(), "javascript")
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, out.Content.HTML)
		})
	}
}
