package template

import (
	"errors"
	"regexp"
	"strings"
	texttemplate "text/template"
	"text/template/parse"
)

// fragment parses text, under the name that errors tell, and adds it to v.
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

// parse returns the trees of text, by name: its own, and what it defines.
func (l *loader) parse(name, text string) (map[string]*parse.Tree, error) {
	t, err := texttemplate.New(name).Funcs(newFuncs(l.set)).Parse(text)
	if err != nil {
		return nil, err // starts with "template: ", the name and the line
	}
	trees := map[string]*parse.Tree{}
	for _, t := range t.Templates() {
		withTicks(t.Root)
		trees[t.Name()] = t.Tree
	}
	return trees, nil
}

// escapes lets html/template find out how to escape f, and tells what hinders it.
func (f *fragment) escapes(funcs map[string]any) error {
	err := f.asHTML(funcs).Execute(&output{}, nil) // stops at the first tick, for which there is no step
	if errors.Is(err, errSteps) {
		return nil
	}
	return errors.New("template: " + strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/template"), ":"))
}

// withConditionals keeps the comments of an HTML source that mail clients act upon, such as <!--[if mso]> … <![endif]-->, of which
// html/template would drop all. Their ends become calls of verbatim, so that what is between them is rendered as usual.
func withConditionals(src string) string {
	ends := regexp.MustCompile("(?i)" + `<!--\[if[^\]` + "`" + `{]*\]>(<!-->|<!---->|-->)?|<!--\s*<!\[endif\]-->|<!\[endif\]-->`)
	return ends.ReplaceAllString(src, "{{"+verbatimName+" `$0`}}")
}
