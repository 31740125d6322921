// Package snippets holds what the manual shows to what the code does. Its test reads README.md, CONTRIBUTING.md and docs/*.md and
// checks every fenced block by its language, or by a comment right above it:
//
//	<!-- snippet: file examples/x/main.go -->   the block stands in that file, line for line, apart from indentation
//	<!-- snippet: build -->                     a program that needs a server, or serves forever: it compiles
//	```go, starting with `package main`         a program: it exits 0 and, if the next block is ```text, prints that
//	```go, starting with `package x_test`       tests or examples: they pass
//	```go, starting with `package x`            compiles
//	```go, anything else                        a fault: no line of Go is shown that nobody compiled
//	```sh                                       the make targets, scripts and packages that it names exist
//
// Blocks in other languages are checked only if a file is named.
package snippets

import (
	"fmt"
	"regexp"
	"strings"
)

// A Block is a fenced block of a Markdown file.
type Block struct {
	Line      int    // of the opening fence, from 1
	Language  string // "go", "text", "sh" …
	Directive string // what the comment above it says after "snippet:"
	Text      string // without the fences; each line ends with a newline
}

var directive = regexp.MustCompile(`^\s*<!--\s*snippet:\s*(.*?)\s*-->\s*$`)

// Blocks returns the fenced blocks of a Markdown text in order.
func Blocks(markdown string) ([]Block, error) {
	var (
		blocks []Block
		open   *Block
		indent string // before the opening fence, as in a list
		above  string // the directive that waits for its block
	)
	for i, line := range strings.Split(markdown, "\n") {
		text := strings.TrimLeft(line, " ")
		switch info, fence := strings.CutPrefix(text, "```"); {
		case open != nil && fence:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent) + "\n"
		case fence:
			language, _, _ := strings.Cut(info, " ")
			open = &Block{Line: i + 1, Language: language, Directive: above}
			indent, above = line[:len(line)-len(text)], ""
		case directive.MatchString(line):
			above = directive.FindStringSubmatch(line)[1]
		case above != "" && text != "":
			return nil, fmt.Errorf("%d: the snippet comment belongs right above a fenced block", i)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%d: the fenced block is not closed", open.Line)
	}
	return blocks, nil
}
