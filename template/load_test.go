package template_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/template"
)

func TestNewRefuses(t *testing.T) {
	ok := map[string]string{"k/default.text.tmpl": "x"}
	with := func(contents map[string]string) map[string]string {
		for name, content := range ok {
			if _, there := contents[name]; !there {
				contents[name] = content
			}
		}
		return contents
	}
	tests := map[string]struct {
		files map[string]string
		want  string // each error names the file, and the line if known
	}{
		"nothing at all":                {map[string]string{}, "at least one folder named after a key is required"},
		"partials alone":                {map[string]string{"_a.tmpl": "x"}, "at least one folder named after a key is required"},
		"a key without parts":           {map[string]string{"k/_a.tmpl": "x"}, "k: must contain a part"},
		"a file at the top":             {with(map[string]string{"email.text.tmpl": "x"}), "email.text.tmpl: must be in a folder named after a key"},
		"a folder in a folder":          {map[string]string{"templates/k/default.text.tmpl": "x"}, "templates/k: must not be a folder inside a folder"},
		"a file of another kind":        {with(map[string]string{"k/README.md": "x"}), "k/README.md: must be named CHANNEL"},
		"a name without a part":         {with(map[string]string{"k/email.tmpl": "x"}), "k/email.tmpl: must be named CHANNEL"},
		"a name with too much":          {with(map[string]string{"k/email.zh.x.text.tmpl": "x"}), "k/email.zh.x.text.tmpl: must be named CHANNEL"},
		"a partial of a part":           {with(map[string]string{"k/_a.json": "x"}), "k/_a.json: must be named CHANNEL"},
		"a partial without a name":      {with(map[string]string{"k/_.tmpl": "x"}), "k/_.tmpl: must be named CHANNEL"},
		"an unknown part":               {with(map[string]string{"k/email.txt.tmpl": "x"}), `k/email.txt.tmpl: unknown part "txt": must be one of title, text,`},
		"an unknown part in JSON":       {with(map[string]string{"k/email.text.json": "x"}), `k/email.text.json: unknown part "text": must be one of approved, extra`},
		"JSON as a template":            {with(map[string]string{"k/email.extra.tmpl": "x"}), `k/email.extra.tmpl: unknown part "extra"`},
		"a bad locale":                  {with(map[string]string{"k/email.z-h.text.tmpl": "x"}), `k/email.z-h.text.tmpl: the locale "z-h" must be`},
		"a part for a locale":           {with(map[string]string{"k/email.html.text.tmpl": "x"}), `k/email.html.text.tmpl: the locale "html" must be`},
		"a locale with a single letter": {with(map[string]string{"k/email.en-a.text.tmpl": "x"}), `k/email.en-a.text.tmpl: the locale "en-a" must be`},
		"a locale of nothing":           {with(map[string]string{"k/email..text.tmpl": "x"}), `k/email..text.tmpl: the locale "" must be`},
		"the same part twice": {
			with(map[string]string{"k/email.zh-CN.text.tmpl": "x", "k/email.zh_cn.text.tmpl": "y"}),
			"k/email.zh_cn.text.tmpl: must not have the same channel, locale and part as k/email.zh-CN.text.tmpl",
		},
		"settings alone":         {with(map[string]string{"k/email.extra.json": "{}"}), "k/email.extra.json: must accompany another part"},
		"what is not UTF-8":      {with(map[string]string{"k/email.text.tmpl": "\xff"}), "k/email.text.tmpl: must be UTF-8"},
		"a file without end":     {with(map[string]string{"k/email.text.tmpl": strings.Repeat("x", 1<<20+1)}), "k/email.text.tmpl: must be at most 1 MiB"},
		"an action without end":  {with(map[string]string{"k/email.text.tmpl": "a\n{{if"}), "k/email.text.tmpl:2: unclosed action"},
		"an if without end":      {with(map[string]string{"k/email.text.tmpl": "a\n{{if .x}}"}), "k/email.text.tmpl:2: unexpected EOF"},
		"an unknown function":    {with(map[string]string{"k/email.text.tmpl": "\n\n{{shout .x}}"}), `k/email.text.tmpl:3: function "shout" not defined`},
		"a broken partial":       {with(map[string]string{"k/_a.tmpl": "\n{{end}}"}), "k/_a.tmpl:2: unexpected {{end}}"},
		"a broken shared one":    {with(map[string]string{"_a.tmpl": "\n{{end}}"}), "_a.tmpl:2: unexpected {{end}}"},
		"a call of nothing":      {with(map[string]string{"k/a.text.tmpl": "\n{{template \"b\"}}"}), `k/a.text.tmpl:2: unknown template "b"; there are no partials (go:embed`},
		"a call of another name": {with(map[string]string{"_c.tmpl": "", "k/a.text.tmpl": `{{template "_c.tmpl"}}`}), `k/a.text.tmpl:1: unknown template "_c.tmpl"; the partials are c`},
		"a call from a partial":  {with(map[string]string{"_c.tmpl": "\n{{template \"b\"}}", "k/a.text.tmpl": `{{template "c"}}`}), `_c.tmpl:2: unknown template "b"`},
		"a call of itself":       {with(map[string]string{"_c.tmpl": `{{if .}}{{template "c"}}{{end}}`, "k/a.text.tmpl": `{{template "c"}}`}), `_c.tmpl:1: the template "c" must not call itself`},
		"calls in a circle": {
			with(map[string]string{"_c.tmpl": `{{template "d"}}`, "_d.tmpl": "\n{{template \"c\"}}", "k/a.text.tmpl": `{{template "c"}}`}),
			`_d.tmpl:2: the template "c" must not call itself`,
		},
		"two definitions of a partial": {
			with(map[string]string{"_a.tmpl": "x", "_b.tmpl": "\n{{define \"a\"}}y{{end}}"}), `_b.tmpl:2: "a" must be defined only once`,
		},
		"a partial of two minds": {
			with(map[string]string{"_a.tmpl": `x{{define "a"}}y{{end}}`}), `_a.tmpl:1: text and a definition of "a" are mutually exclusive`,
		},
		"deep nesting": {
			with(map[string]string{"k/a.text.tmpl": strings.Repeat("{{if 1}}", 1001) + strings.Repeat("{{end}}", 1001)}), "k/a.text.tmpl:1: branches and calls must nest at most 1000 deep",
		},
		"a long action": {
			with(map[string]string{"k/a.text.tmpl": "\n{{if and" + strings.Repeat(" .x", 4000) + "}}{{end}}"}), "k/a.text.tmpl:2: an action must be at most 10000 bytes long",
		},
		"deep nesting of loops, which html/template would escape for hours": {
			with(map[string]string{
				"_l.tmpl":       strings.Repeat("{{range .}}", 5) + strings.Repeat("{{end}}", 5),
				"k/a.html.tmpl": strings.Repeat("{{range .}}", 4) + `{{template "l" .}}` + strings.Repeat("{{end}}", 4),
			}), "k/a.html.tmpl:1: loops must nest at most 8 deep",
		},
		"HTML that cannot be escaped":         {with(map[string]string{"k/a.html.tmpl": "\n<a href=\"{{if .x}}\"{{end}}>"}), "k/a.html.tmpl:2:"},
		"HTML that escapes in one place":      {with(map[string]string{"_p.tmpl": "<b title=\"", "k/a.html.tmpl": "{{template \"p\"}}{{.x}}"}), "k/a.html.tmpl"},
		"a comment with a rendered condition": {with(map[string]string{"k/a.html.tmpl": "<!--[if {{.x}}]>x<![endif]-->"}), "k/a.html.tmpl: ends in a non-text context"},
		"broken JSON":                         {with(map[string]string{"k/a.approved.json": "{\n\"name\": }"}), "k/a.approved.json:2: invalid character"},
		"JSON of another shape":               {with(map[string]string{"k/a.approved.json": `{"name": 1}`}), "k/a.approved.json:1: "},
		"JSON with an unknown field":          {with(map[string]string{"k/a.approved.json": `{"id": "1"}`}), `k/a.approved.json:1: unknown field "id"`},
		"JSON without a name":                 {with(map[string]string{"k/a.approved.json": `{}`}), "k/a.approved.json: name is required"},
		"JSON with a nameless parameter":      {with(map[string]string{"k/a.approved.json": `{"name": "n", "params": [{"value": "v"}]}`}), "k/a.approved.json: params[0].name is required"},
		"JSON twice":                          {with(map[string]string{"k/default.extra.json": "{}\n{}"}), "k/default.extra.json:2: must be a single JSON object"},
		"JSON that is no object":              {with(map[string]string{"k/default.extra.json": "null"}), "k/default.extra.json:1: must be a JSON object"},
		"JSON that is a list":                 {with(map[string]string{"k/default.extra.json": "[]"}), "k/default.extra.json:1: "},
		"JSON with a rendered field":          {with(map[string]string{"k/default.extra.json": `{"{{.x}}": 1}`}), "k/default.extra.json: the names of fields must not contain actions"},
		"JSON that nests deep": {
			with(map[string]string{"k/default.extra.json": strings.Repeat(`{"field":`, 9000) + `"{{.x}}"` + strings.Repeat("}", 9000)}),
			"k/default.extra.json: nested too deeply",
		},
		"JSON with a long name": {
			with(map[string]string{"k/default.extra.json": `{"` + strings.Repeat("a", 1000) + `": ["{{.x}}"]}`}), "k/default.extra.json: nested too deeply",
		},
		"JSON with a broken string": {with(map[string]string{"k/default.extra.json": `{"a": [{"b": "{{"}]}`}), "k/default.extra.json a[0].b:1: "},
		"a broken approved value":   {with(map[string]string{"k/a.approved.json": `{"name": "n", "params": [{"name": "p", "value": "{{.}"}]}`}), "k/a.approved.json params[0].value:1: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := template.New(files(test.files), nil)
			require.ErrorContains(t, err, "template: "+test.want)
		})
	}
}

func TestNewTellsAllErrorsAtOnce(t *testing.T) {
	_, err := template.New(files(map[string]string{"k/a.text.tmpl": "{{", "k/b.text.tmpl": "{{", "x": "", "l/_p.tmpl": ""}), nil)
	for _, file := range []string{"k/a.text.tmpl", "k/b.text.tmpl", "x", "l"} {
		require.ErrorContains(t, err, "template: "+file+":")
	}
}

func TestNewRefusesFuncs(t *testing.T) {
	for name, f := range map[string]any{"no name": func() int { return 1 }, "f": 1, "g": func() {}, "h": nil} {
		_, err := template.New(files(map[string]string{"k/a.text.tmpl": "x"}), &template.Options{Funcs: map[string]any{name: f}})
		require.ErrorContains(t, err, "template: Options.Funcs: ")
	}
}

func TestNewPassesFileErrorsOn(t *testing.T) {
	_, err := template.New(os.DirFS("testdata/none"), nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = template.New(forbidden{fstest.MapFS{"k/a.text.tmpl": {}}}, nil)
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorContains(t, err, "k/a.text.tmpl")
}

// forbidden opens folders only.
type forbidden struct{ fstest.MapFS }

func (f forbidden) Open(name string) (fs.File, error) {
	if info, err := f.Stat(name); err == nil && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return f.MapFS.Open(name)
}

func TestNewFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(dir+"/..data/k", 0o700))
	require.NoError(t, os.WriteFile(dir+"/..data/k/default.text.tmpl", []byte("x"), 0o600))
	require.NoError(t, os.Symlink("..data/k", dir+"/k"))
	s, err := template.New(os.DirFS(dir), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"k"}, s.Keys())
}

func TestPartials(t *testing.T) {
	s := newSet(t, map[string]string{
		"_a.tmpl":        "shared a",
		"_b.tmpl":        `shared b, with {{template "a"}}`,
		"_defined.tmpl":  `{{define "defined"}}defined{{end}} {{define "beside"}}beside{{end}}`,
		"_layout.tmpl":   `[{{block "body" .}}nothing{{end}}]`,
		"k/_a.tmpl":      "own a",
		"k/a.text.tmpl":  `{{template "a"}}; {{template "b"}}; {{template "defined"}}; {{template "beside"}}; {{template "layout"}}`,
		"k/b.text.tmpl":  `{{template "layout" .x}}{{define "body"}}{{.}}{{end}}`,
		"k/c.text.tmpl":  `{{template "layout"}}{{define "body"}}{{end}}`,
		"k2/a.text.tmpl": `{{template "a"}}`,
	})
	for file, want := range map[string]string{
		"k/a":  "own a; shared b, with own a; defined; beside; [nothing]",
		"k/b":  "[1]",
		"k/c":  "[]",
		"k2/a": "shared a",
	} {
		key, channel, _ := strings.Cut(file, "/")
		out, err := s.Render(t.Context(), template.Request{Key: key, Channel: channel, Data: map[string]any{"x": int64(1)}})
		require.NoError(t, err)
		require.Equal(t, want, out.Content.Text, file)
	}
}
