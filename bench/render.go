package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	texttemplate "text/template"

	"github.com/e7ddda3c/notify/template"
)

//go:embed templates
var files embed.FS

// order has the types of decoded JSON.
var order = map[string]any{
	"customer": map[string]any{"name": "Ann Droid"},
	"order": map[string]any{
		"number": int64(4711), "express": true, "total": "191.40 €", "payment": "paid", "tracking": "https://shop.example.com/t/4711",
		"items": []any{
			map[string]any{"count": int64(1), "name": "kettle", "price": "49.90 €"},
			map[string]any{"count": int64(4), "name": "cup", "price": "9.50 €"},
			map[string]any{"count": int64(2), "name": "tea, 250 g", "price": "24.00 €"},
			map[string]any{"count": int64(5), "name": "spoon", "price": "11.10 €"},
		},
	},
}

var code = map[string]any{"code": "402913", "minutes": int64(10)}

// render measures the overhead of a Set over its template engine.
func render(_ context.Context, s *session) error {
	if err := renderOf("order", "mail with subject", order, s, "title", "text"); err != nil {
		return err
	}
	return renderOf("code", "short message", code, s, "text")
}

func renderOf(key, task string, data any, s *session, parts ...string) error {
	ours, err := setRender(key, data)
	if err != nil {
		return err
	}
	bare, err := templateExecute(key, data, parts)
	if err != nil {
		return err
	}
	if err := same(ours, bare); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	r, err := s.race(task,
		contender{name: "template.Set", do: func() error { _, err := ours(); return err }},
		contender{name: "text/template", do: func() error { _, err := bare(); return err }},
	)
	if err != nil {
		return err
	}
	s.most("render-"+key, r.ratio("template.Set", "text/template"), 1.3, "×")
	return nil
}

// A rendering is a title and a text.
type rendering [2]string

// setRender returns a function that renders with a template.Set.
func setRender(key string, data any) (func() (rendering, error), error) {
	folder, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, err
	}
	set, err := template.New(folder, nil)
	if err != nil {
		return nil, err
	}
	request := template.Request{Key: key, Channel: "email", Locale: "en", Data: data}
	return func() (rendering, error) {
		out, err := set.Render(context.Background(), request)
		return rendering{out.Content.Title, out.Content.Text}, err
	}, nil
}

// templateExecute returns a function that renders the same files with text/template alone and a reused buffer.
func templateExecute(key string, data any, parts []string) (func() (rendering, error), error) {
	var templates [2]*texttemplate.Template
	for _, part := range parts {
		file, err := files.ReadFile(fmt.Sprintf("templates/%s/default.%s.tmpl", key, part))
		if err != nil {
			return nil, err
		}
		t, err := texttemplate.New(part).Option("missingkey=error").Parse(strings.TrimSuffix(string(file), "\n"))
		if err != nil {
			return nil, err
		}
		templates[map[string]int{"title": 0, "text": 1}[part]] = t
	}
	var b bytes.Buffer
	return func() (out rendering, err error) {
		for i, t := range templates {
			if t == nil {
				continue
			}
			b.Reset()
			if err := t.Execute(&b, data); err != nil {
				return out, err
			}
			out[i] = b.String()
		}
		return out, nil
	}, nil
}

// same returns an error unless both render the same.
func same(a, b func() (rendering, error)) error {
	x, err := a()
	if err != nil {
		return err
	}
	y, err := b()
	if err != nil {
		return err
	}
	if x != y {
		return fmt.Errorf("the renderings differ: %q and %q", x, y)
	}
	return nil
}
