package template

import (
	"errors"
	"regexp"
	"strings"
	texttemplate "text/template"
	"text/template/parse"
)

// fragment parses text and adds the result to v. name identifies the text in errors.
func (l *loader) fragment(v *variant, name, text string, html bool, p partials) *fragment {
	f := &fragment{name: name, n: len(v.fragments), html: html}
	v.fragments = append(v.fragments, f)
	if !strings.Contains(text, "{{") {
		f.constant, f.html = text, false
		return f
	}
	shared := p.text
	if html {
		text, shared = withConditionals(text), p.html
	}
	trees, err := l.parse(name, text)
	if err == nil {
		f.trees, err = reach(trees[name], overlay(shared, trees))
	}
	if err == nil && html {
		err = f.escapes(newFuncs(l.set))
	}
	if err != nil {
		f.trees, f.html = nil, false
		l.errs = append(l.errs, err)
	}
	return f
}

// parse returns the trees of text by name: its own, and those of the templates that it defines.
func (l *loader) parse(name, text string) (map[string]*parse.Tree, error) {
	t, err := texttemplate.New(name).Funcs(newFuncs(l.set)).Parse(text)
	if err != nil {
		return nil, err // the error starts with "template: ", the name and the line
	}
	trees := map[string]*parse.Tree{}
	for _, t := range t.Templates() {
		withTicks(t.Root)
		trees[t.Name()] = t.Tree
	}
	return trees, nil
}

// escapes returns an error if html/template cannot escape f.
func (f *fragment) escapes(funcs map[string]any) error {
	err := f.asHTML(funcs).Execute(&output{}, nil) // escapes f, then stops at the first tick, since the output allows no steps
	if errors.Is(err, errSteps) {
		return nil
	}
	return errors.New("template: " + strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/template"), ":"))
}

// withConditionals preserves conditional comments for mail clients, such as <!--[if mso]> … <![endif]-->, although html/template drops
// all comments. Both delimiters of such a comment become calls of verbatim, so that the text between them is rendered as usual.
func withConditionals(src string) string {
	ends := regexp.MustCompile("(?i)" + `<!--\[if[^\]` + "`" + `{]*\]>(<!-->|<!---->|-->)?|<!--\s*<!\[endif\]-->|<!\[endif\]-->`)
	return ends.ReplaceAllString(src, "{{"+verbatimName+" `$0`}}")
}
