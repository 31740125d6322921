package template_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/template"
)

func TestBounds(t *testing.T) {
	double := `{{$x := .long}}{{range 60}}{{$x = FUNC}}{{end}}`
	laughs := `{{define "z"}}{{end}}`
	for i := 'y'; i >= 'a'; i-- {
		laughs += `{{define "` + string(i) + `"}}` + strings.Repeat(`{{template "`+string(i+1)+`"}}`, 10) + `{{end}}`
	}
	tests := map[string]string{
		"a loop that writes":           `{{range 1000000000}}x{{end}}`,
		"a loop that does not":         `{{range 1000000000000}}{{end}}`,
		"loops in loops":               `{{range 1000000}}{{range 1000000}}{{end}}{{end}}`,
		"a loop that continues":        `{{range 1000000000000}}{{continue}}{{end}}`,
		"loops without work":           strings.Repeat(`{{range 1000}}`, 8) + `{{if 0}}{{end}}` + strings.Repeat(`{{end}}`, 8),
		"calls of calls":               laughs + `{{template "a"}}`,
		"a long value":                 `{{.long}}{{.long}}`,
		"a string that doubles":        strings.ReplaceAll(double, "FUNC", "print $x $x"),
		"one that doubles in a format": strings.ReplaceAll(double, "FUNC", `printf "%s%s" $x $x`),
		"one that is repeated":         `{{printf "` + strings.Repeat("%[1]s", 1900) + `" .long}}`,
		"one that is quoted again":     strings.ReplaceAll(double, "FUNC", `js $x`),
		"one that is escaped again":    strings.ReplaceAll(double, "FUNC", `html $x`),
		"one that is encoded again":    strings.ReplaceAll(double, "FUNC", `urlquery $x`),
		"one that is printed again":    strings.ReplaceAll(double, "FUNC", `println $x $x`),
		"one that is printed often":    `{{print` + strings.Repeat(" $.long", 1400) + `}}`,
		"a wide format":                `{{printf "%999999d" 1}}`,
		"many formats":                 `{{range 100000}}{{$x := printf "%1000d" 1}}{{end}}`,
		"a long layout":                `{{range 100}}{{$x := date $.long "2026-01-01T00:00:00Z"}}{{end}}`,
	}
	for _, part := range []string{"text", "html"} {
		for name, src := range tests {
			t.Run(part+": "+name, func(t *testing.T) {
				s, err := template.New(files(map[string]string{"k/a." + part + ".tmpl": src}), &template.Options{MaxOutput: 1 << 17})
				require.NoError(t, err)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				_, err = s.Render(t.Context(), template.Request{Key: "k", Channel: "a",
					Data: map[string]any{"long": strings.Repeat(`<\"January`, 10_000)}})
				runtime.ReadMemStats(&after)
				require.ErrorIs(t, err, channel.Rejected)
				t.Log((after.TotalAlloc - before.TotalAlloc) >> 20)
				require.Less(t, time.Since(start), 20*time.Second)
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20), "in total; less is live at a time")
			})
		}
	}
}

func TestOutputIsBoundedAcrossParts(t *testing.T) {
	contents := map[string]string{
		"k/text.title.tmpl":        strings.Repeat("t", 60),
		"k/text.text.tmpl":         strings.Repeat("x", 41),
		"k/long.text.tmpl":         "{{.x}}",
		"k/long.html.tmpl":         "{{.x}}",
		"k/extra.text.tmpl":        "",
		"k/extra.extra.json":       `{"x": "{{.x}}", "y": "{{.x}}", "z": "a"}`,
		"k/quoted.text.tmpl":       "",
		"k/quoted.extra.json":      `{"x": "{{.quotes}}"}`,
		"k/approved.approved.json": `{"name": "n", "params": [{"name": "a", "value": "{{.x}}"}, {"name": "b", "value": "{{.x}}"}]}`,
		"k/doubt.text.tmpl":        strings.Repeat("x", 60) + "{{.number}}",
		"k/fits.title.tmpl":        strings.Repeat("t", 60),
		"k/fits.text.tmpl":         strings.Repeat("x", 40),
	}
	s, err := template.New(files(contents), &template.Options{MaxOutput: 100})
	require.NoError(t, err)
	data := map[string]any{"x": strings.Repeat("é", 30), "quotes": strings.Repeat("\x01", 60)}
	for _, name := range []string{"text", "long", "extra", "quoted", "approved"} {
		_, err := s.Render(t.Context(), template.Request{Key: "k", Channel: name, Data: data})
		require.ErrorContains(t, err, "MaxOutput", name)
		require.ErrorContains(t, err, "k/"+name+".")
	}
	for _, name := range []string{"fits", "doubt"} {
		_, err = s.Render(t.Context(), template.Request{Key: "k", Channel: name, Data: map[string]any{"number": 1234567.5}})
		require.NoError(t, err)
	}
}

func TestBadTemplateLeavesNothingBehind(t *testing.T) {
	s := newSet(t, map[string]string{"k/a.text.tmpl": "{{.a}}{{range .n}}x{{end}}"})
	r := template.Request{Key: "k", Channel: "a"}
	for range 3 {
		r.Data = map[string]any{"a": "first", "n": int64(1 << 40)}
		_, err := s.Render(t.Context(), r)
		require.ErrorIs(t, err, channel.Rejected)
		r.Data = map[string]any{"a": "second", "n": int64(3)}
		out, err := s.Render(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, "secondxxx", out.Content.Text)
	}
}

func TestDeadlineEndsARendering(t *testing.T) {
	s := newSet(t, map[string]string{"k/a.text.tmpl": "{{range 1000}}{{range 900}}{{$x := printf `%900d` 1}}{{end}}{{end}}"})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	_, err := s.Render(ctx, template.Request{Key: "k", Channel: "a"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
