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
	name     string // the path of the file; for a string of a JSON file, with the path in the JSON behind it
	n        int    // the index in variant.fragments
	html     bool
	constant string                 // the whole text, if there are no actions; trees is then nil
	trees    map[string]*parse.Tree // the fragment's own tree, under its name, and those of all templates that it reaches
	origins  sync.Map               // place in a file → Field of an error there; see origin
}

// asText returns f as a text/template. If careful is true, every printed value passes through shown.
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

// asHTML returns f as an html/template. Every printed value passes through shownInHTML.
func (f *fragment) asHTML(funcs map[string]any) executor {
	t := htmltemplate.New(f.name).Option("missingkey=error").Funcs(funcs).Funcs(map[string]any{shownName: shownInHTML})
	for name, tree := range f.trees {
		tree = tree.Copy() // because escaping modifies the tree
		guard(tree.Root)
		tree.Root.Nodes = slices.Insert(tree.Root.Nodes, 0, tick(tree.Root)) // where fragment.escapes stops
		htmltemplate.Must(t.AddParseTree(name, tree))
	}
	return t.Lookup(f.name)
}

// inside returns the pipe of n and the lists that n runs. If loop is true, n runs the first list repeatedly.
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

// withTicks inserts ticks into l: before every node that does work without printing, and at the start of every loop. output counts
// them as steps.
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

// tick returns an empty text node, which causes an empty write.
func tick(at parse.Node) parse.Node {
	return &parse.TextNode{NodeType: parse.NodeText, Pos: at.Position()}
}

// guard passes every value that l prints through the function shown.
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
			continue // html/template requires these at the end, and they call shown themselves
		}
		cmd := last.Copy().(*parse.CommandNode) // a copy, because only package parse can set the tree of a node
		cmd.Args = []parse.Node{parse.NewIdentifier(shownName).SetPos(last.Pos)}
		pipe.Cmds = append(pipe.Cmds, cmd)
	}
}
