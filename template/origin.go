package template

import (
	"maps"
	"strings"
	"text/template/parse"
)

// origin returns the Field of an error at a place, "file:line:column": where the value there comes from, such as
// "data.items[].price", if that can be told from the text of the template, else "template".
func (f *fragment) origin(place string) string {
	if field, ok := f.origins.Load(place); ok {
		return field.(string)
	}
	t := tracer{trees: f.trees, place: place, nodes: 10_000, found: map[string]bool{}}
	main := f.trees[f.name]
	t.list(main, main.Root, "data", map[string]string{"$": "data"})
	field := "template"
	if len(t.found) == 1 {
		for field = range t.found {
		}
	}
	f.origins.Store(place, field)
	return field
}

// A tracer follows values through a template and those that it calls. A value is named by its path from "data" or "recipient"; "" if
// that is not known.
type tracer struct {
	trees map[string]*parse.Tree
	place string
	nodes int // how many may still be looked at
	found map[string]bool
}

// list goes through l, where dot and the variables are what their paths say.
func (t *tracer) list(tree *parse.Tree, l *parse.ListNode, dot string, outer map[string]string) {
	if l == nil {
		return
	}
	vars := maps.Clone(outer)
	for _, n := range l.Nodes {
		if t.nodes--; t.nodes < 0 {
			return
		}
		switch n := n.(type) {
		case *parse.ActionNode:
			t.pipe(tree, n.Pipe, dot, vars, "")
		case *parse.TemplateNode:
			arg := t.pipe(tree, n.Pipe, dot, vars, "")
			if callee := t.trees[n.Name]; callee != nil {
				t.list(callee, callee.Root, arg, map[string]string{"$": arg})
			}
		case *parse.IfNode:
			t.branch(tree, &n.BranchNode, dot, vars)
		case *parse.WithNode:
			t.branch(tree, &n.BranchNode, dot, vars)
		case *parse.RangeNode:
			t.branch(tree, &n.BranchNode, dot, vars)
		}
	}
}

func (t *tracer) branch(tree *parse.Tree, n *parse.BranchNode, dot string, outer map[string]string) {
	vars := maps.Clone(outer)
	inner := dot
	switch n.NodeType {
	case parse.NodeIf:
		t.pipe(tree, n.Pipe, dot, vars, "")
	case parse.NodeWith:
		inner = t.pipe(tree, n.Pipe, dot, vars, "")
	case parse.NodeRange:
		inner = t.pipe(tree, n.Pipe, dot, vars, "[]")
	}
	t.list(tree, n.List, inner, vars)
	t.list(tree, n.ElseList, dot, vars)
}

// pipe returns the path of p's value, with the suffix, and gives it to the variable that p declares, the last if there are two.
func (t *tracer) pipe(tree *parse.Tree, p *parse.PipeNode, dot string, vars map[string]string, suffix string) (path string) {
	if p == nil {
		return ""
	}
	var before string // the one path in the last command that has one
	for i, cmd := range p.Cmds {
		paths := map[string]bool{}
		for _, arg := range cmd.Args {
			path = t.node(tree, arg, dot, vars)
			if path != "" {
				paths[path] = true
			}
		}
		if len(paths) == 1 {
			for before = range paths {
			}
		} else if len(paths) > 1 {
			before = ""
		}
		t.visit(tree, cmd, before)
		if i > 0 || len(cmd.Args) > 1 {
			path = ""
		}
	}
	if path != "" {
		path += suffix
	}
	for _, v := range p.Decl {
		vars[v.Ident[0]] = ""
	}
	if n := len(p.Decl); n > 0 {
		vars[p.Decl[n-1].Ident[0]] = path
	}
	return path
}

// node returns the path of a node's value.
func (t *tracer) node(tree *parse.Tree, n parse.Node, dot string, vars map[string]string) (path string) {
	var fields []string
	switch n := n.(type) {
	case *parse.DotNode:
		path = dot
	case *parse.FieldNode:
		path, fields = dot, n.Ident
	case *parse.VariableNode:
		path, fields = vars[n.Ident[0]], n.Ident[1:]
	case *parse.ChainNode:
		path, fields = t.node(tree, n.Node, dot, vars), n.Field
		if path != "" { // text/template may name the place of what the fields are of
			t.visit(tree, n.Node, path+"."+strings.Join(fields, "."))
		}
	case *parse.PipeNode:
		path = t.pipe(tree, n, dot, vars, "")
	case *parse.IdentifierNode:
		if n.Ident == "recipient" {
			return "recipient"
		}
	}
	if path != "" && len(fields) > 0 {
		path += "." + strings.Join(fields, ".")
	}
	t.visit(tree, n, path)
	return path
}

// visit notes the path if n is what the error is about.
func (t *tracer) visit(tree *parse.Tree, n parse.Node, path string) {
	if path == "" {
		return
	}
	if place, _ := tree.ErrorContext(n); place == t.place {
		t.found[path] = true
	}
}
