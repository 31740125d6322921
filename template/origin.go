package template

import (
	"maps"
	"strings"
	"text/template/parse"
)

// origin returns the Field of an error at a place, given as "file:line:column". The Field is the path of the value there, such as
// "data.items[].price", if the text of the template alone determines the path. Otherwise it is "template".
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

// A tracer follows values through a template and all templates that it calls. A value is represented by its path from "data" or
// "recipient", or by "" if the path is unknown.
type tracer struct {
	trees map[string]*parse.Tree
	place string
	nodes int             // the number of nodes that may still be visited
	found map[string]bool // the paths of the values at place
}

// list visits the nodes of l. dot is the path of the dot, and outer has the paths of the variables.
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

// pipe visits p and returns the path of p's value with the suffix. The variable that p declares gets the same path; of two variables,
// the second does.
func (t *tracer) pipe(tree *parse.Tree, p *parse.PipeNode, dot string, vars map[string]string, suffix string) (path string) {
	if p == nil {
		return ""
	}
	var before string // the path in the latest command with a path; "" if that command has several
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

// node visits n and returns the path of its value.
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
		if path != "" { // text/template may report the place of the inner node
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

// visit adds path to t.found if n is at the place of the error.
func (t *tracer) visit(tree *parse.Tree, n parse.Node, path string) {
	if path == "" {
		return
	}
	if place, _ := tree.ErrorContext(n); place == t.place {
		t.found[path] = true
	}
}
