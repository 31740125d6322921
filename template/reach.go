package template

import (
	"maps"
	"text/template/parse"
)

// How large an action may be, and how deep branches and calls may nest, for the sake of time and stack; and loops, because the time
// that html/template takes to escape doubles with each.
const (
	maxAction = 10_000
	maxDepth  = 1000
	maxLoops  = 8
)

// reach returns the templates of all that main calls, and main, after checking that they exist, keep the bounds and come to an end.
func reach(main *parse.Tree, all map[string]*parse.Tree) (map[string]*parse.Tree, error) {
	r := reacher{all: all, heights: map[string]*height{}}
	h, err := r.tree(main.Name, main)
	switch {
	case err != nil:
		return nil, err
	case h.depth > maxDepth:
		return nil, faultAt(main, main.Root, "nests more than 1000 deep")
	case h.loops > maxLoops:
		return nil, faultAt(main, main.Root, "nests more than 8 loops")
	}
	trees := maps.Clone(all)
	maps.DeleteFunc(trees, func(name string, _ *parse.Tree) bool { return r.heights[name] == nil })
	return trees, nil
}

// A height is how deep something nests, with all that it calls. The zero height is that of a template being looked at.
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
			return h, faultAt(t, n, "an action is longer than 10000 bytes")
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
		return height{}, faultAt(t, call, "there is no template "+quoted(call.Name)+" to call"+known(r.all))
	case h == nil:
		return r.tree(call.Name, callee)
	case h.depth == 0:
		return height{}, faultAt(t, call, "the call of "+quoted(call.Name)+" leads back to itself")
	}
	return *h, nil
}
