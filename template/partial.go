package template

import (
	"maps"
	"path"
	"strings"
	"text/template/parse"
)

// partials are the trees of partials by name, once for text and once, with their conditional comments preserved, for HTML.
type partials struct{ text, html map[string]*parse.Tree }

// partials parses the partials of dir. Templates that they define can be called like partials.
func (l *loader) partials(dir string, names []string) partials {
	p := partials{text: map[string]*parse.Tree{}, html: map[string]*parse.Tree{}}
	for _, base := range names {
		file := path.Join(dir, base)
		text, ok := l.read(file)
		if !ok {
			continue
		}
		text = withoutBreak(text)
		name := strings.TrimSuffix(strings.TrimPrefix(base, "_"), ".tmpl")
		if err := l.add(p.text, name, file, text); err != nil {
			l.errs = append(l.errs, err)
		} else if err := l.add(p.html, name, file, withConditionals(text)); err != nil {
			l.errs = append(l.errs, err)
		}
	}
	return p
}

// add parses a partial and adds its own tree, under name, and those of the templates that it defines.
func (l *loader) add(to map[string]*parse.Tree, name, file, text string) error {
	trees, err := l.parse(file, text)
	if err != nil {
		return err
	}
	main := trees[file]
	delete(trees, file)
	if trees[name] == nil || !parse.IsEmptyTree(main.Root) { // else the file defines the partial: {{define "footer"}} in _footer.tmpl
		if trees[name] != nil {
			return faultAt(main, main.Root, "text and a definition of "+quoted(name)+" are mutually exclusive")
		}
		trees[name] = main
	}
	for n, t := range trees {
		if to[n] != nil {
			return faultAt(t, t.Root, quoted(n)+" must be defined only once")
		}
		to[n] = t
	}
	return nil
}

func isPartial(name string) bool {
	return strings.HasPrefix(name, "_") && strings.HasSuffix(name, ".tmpl") && len(name) > len("_.tmpl")
}

// overlay returns the trees of both. A tree in over hides one of the same name in under.
func overlay(under, over map[string]*parse.Tree) map[string]*parse.Tree {
	all := maps.Clone(under)
	maps.Copy(all, over)
	return all
}
