package template

import (
	htmltemplate "html/template"
	"slices"
	"sync"
	texttemplate "text/template"
	"text/template/parse"
)

// A fragment is one text to render: a part, or one string of a JSON file.
type fragment struct {
	name     string // its file's path; for a string of a JSON file, followed by where it stands
	n        int    // its number in the variant
	html     bool
	constant string                 // the whole text, if it has no actions; then trees is nil
	trees    map[string]*parse.Tree // itself, under its name, and every template that it reaches
	origins  sync.Map               // place in a file → Field of an error there; see origin
}

func (f *fragment) asText(funcs map[string]any, careful bool) executor {
	t := texttemplate.New(f.name).Option("missingkey=error").Funcs(funcs)
	for name, tree := range f.trees {
		if careful {
			tree = tree.Copy()
			guard(tree.Root)
		}
		texttemplate.Must(t.AddParseTree(name, tree))
	}
	return t
}

func (f *fragment) asHTML(funcs map[string]any) executor {
	t := htmltemplate.New(f.name).Option("missingkey=error").Funcs(funcs).Funcs(map[string]any{shownName: shownInHTML})
	for name, tree := range f.trees {
		tree = tree.Copy() // escaping changes it
		guard(tree.Root)
		tree.Root.Nodes = slices.Insert(tree.Root.Nodes, 0, tick(tree.Root)) // where escapes stops
		htmltemplate.Must(t.AddParseTree(name, tree))
	}
	return t.Lookup(f.name)
}

// inside returns the pipe of n, and the lists that it runs, the first of them repeatedly if loop is true.
func inside(n parse.Node) (pipe *parse.PipeNode, lists []*parse.ListNode, loop bool) {
	var b *parse.BranchNode
	switch n := n.(type) {
	case *parse.ActionNode:
		return n.Pipe, nil, false
	case *parse.TemplateNode:
		return n.Pipe, nil, false
	case *parse.IfNode:
		b = &n.BranchNode
	case *parse.WithNode:
		b = &n.BranchNode
	case *parse.RangeNode:
		b, loop = &n.BranchNode, true
	default:
		return nil, nil, false
	}
	if b.ElseList == nil {
		return b.Pipe, []*parse.ListNode{b.List}, loop
	}
	return b.Pipe, []*parse.ListNode{b.List, b.ElseList}, loop
}

// prints reports whether n is an action that prints a value.
func prints(n parse.Node) bool {
	action, ok := n.(*parse.ActionNode)
	return ok && len(action.Pipe.Decl) == 0
}

// withTicks puts an empty text before everything in l that does work but does not print, and at the start of every loop, which is how
// output counts steps.
func withTicks(l *parse.ListNode) {
	nodes := make([]parse.Node, 0, len(l.Nodes))
	for _, n := range l.Nodes {
		pipe, lists, loop := inside(n)
		if (pipe != nil || n.Type() == parse.NodeTemplate) && !prints(n) {
			nodes = append(nodes, tick(n))
		}
		nodes = append(nodes, n)
		for _, list := range lists {
			withTicks(list)
		}
		if loop {
			lists[0].Nodes = slices.Insert(lists[0].Nodes, 0, tick(lists[0]))
		}
	}
	l.Nodes = nodes
}

func tick(at parse.Node) parse.Node {
	return &parse.TextNode{NodeType: parse.NodeText, Pos: at.Position()}
}

// guard puts the function shown behind every value that l prints.
func guard(l *parse.ListNode) {
	for _, n := range l.Nodes {
		pipe, lists, _ := inside(n)
		for _, list := range lists {
			guard(list)
		}
		if !prints(n) {
			continue
		}
		last := pipe.Cmds[len(pipe.Cmds)-1]
		if id, ok := last.Args[0].(*parse.IdentifierNode); ok && (id.Ident == "html" || id.Ident == "urlquery") {
			continue // behind which html/template wants nothing, and which refuse the same
		}
		cmd := last.Copy().(*parse.CommandNode) // a copy, because only package parse can tell a node which tree it is in
		cmd.Args = []parse.Node{parse.NewIdentifier(shownName).SetPos(last.Pos)}
		pipe.Cmds = append(pipe.Cmds, cmd)
	}
}
