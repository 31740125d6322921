package template

import (
	"maps"
	"text/template/parse"
)

// The bounds of a template.
const (
	maxAction = 10_000 // bytes of an action, to bound time and stack
	maxDepth  = 1000   // nested branches and calls, to bound time and stack
	maxLoops  = 8      // nested loops, because each one doubles the time of html/template's escaping
)

// reach returns main and all templates that it calls, directly or indirectly. It checks that they exist, keep the bounds and do not
// call themselves.
func reach(main *parse.Tree, all map[string]*parse.Tree) (map[string]*parse.Tree, error) {
	r := reacher{all: all, heights: map[string]*height{}}
	h, err := r.tree(main.Name, main)
	switch {
	case err != nil:
		return nil, err
	case h.depth > maxDepth:
		return nil, faultAt(main, main.Root, "branches and calls must nest at most 1000 deep")
	case h.loops > maxLoops:
		return nil, faultAt(main, main.Root, "loops must nest at most 8 deep")
	}
	trees := maps.Clone(all)
	maps.DeleteFunc(trees, func(name string, _ *parse.Tree) bool { return r.heights[name] == nil })
	return trees, nil
}

// A height is the nesting depth of a list or template, including the templates that it calls. A template that is still being visited
// has the zero height.
type height struct{ depth, loops int }

func (h *height) raise(inner height) {
	h.depth, h.loops = max(h.depth, inner.depth+1), max(h.loops, inner.loops)
}

type reacher struct {
	all     map[string]*parse.Tree
	heights map[string]*height
}

func (r *reacher) tree(name string, t *parse.Tree) (height, error) {
	h := &height{}
	r.heights[name] = h
	inner, err := r.list(t, t.Root)
	h.raise(inner)
	return *h, err
}

func (r *reacher) list(t *parse.Tree, l *parse.ListNode) (h height, err error) {
	for _, n := range l.Nodes {
		pipe, lists, loop := inside(n)
		if pipe != nil && len(pipe.String()) > maxAction {
			return h, faultAt(t, n, "an action must be at most 10000 bytes long")
		}
		if call, ok := n.(*parse.TemplateNode); ok {
			inner, err := r.call(t, call)
			if err != nil {
				return h, err
			}
			h.raise(inner)
		}
		for i, list := range lists {
			inner, err := r.list(t, list)
			if err != nil {
				return h, err
			}
			if loop && i == 0 {
				inner.loops++
			}
			h.raise(inner)
		}
	}
	return h, nil
}

func (r *reacher) call(t *parse.Tree, call *parse.TemplateNode) (height, error) {
	callee, h := r.all[call.Name], r.heights[call.Name]
	switch {
	case callee == nil:
		return height{}, faultAt(t, call, "unknown template "+quoted(call.Name)+known(r.all))
	case h == nil:
		return r.tree(call.Name, callee)
	case h.depth == 0:
		return height{}, faultAt(t, call, "the template "+quoted(call.Name)+" must not call itself, directly or indirectly")
	}
	return *h, nil
}
