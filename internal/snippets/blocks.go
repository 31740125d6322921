// Package snippets checks the code in the manual. Its test reads README.md, CONTRIBUTING.md and docs/*.md. Each fenced block is
// checked according to the comment right above the block, or else to the block's language:
//
//	<!-- snippet: file examples/x/main.go -->   the file must contain the block, line for line, apart from indentation
//	<!-- snippet: build -->                     a program that needs a server, or serves forever: must compile
//	```go, starting with `package main`         a program: must exit with 0 and, if the next block is ```text, print that block
//	```go, starting with `package x_test`       tests or examples: must pass
//	```go, starting with `package x`            must compile
//	```go, anything else                        an error, because all Go in the manual must be compiled
//	```sh                                       the make targets, scripts and packages in the commands must exist
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
	Directive string // the text after "snippet:" in the comment above
	Text      string // without the fences; each line ends with a newline
}

var directive = regexp.MustCompile(`^\s*<!--\s*snippet:\s*(.*?)\s*-->\s*$`)

// Blocks returns the fenced blocks of a Markdown text in order.
func Blocks(markdown string) ([]Block, error) {
	var (
		blocks []Block
		open   *Block
		indent string // before the opening fence, as in a list
		above  string // the directive for the next block
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
			return nil, fmt.Errorf("%d: the snippet comment must be right above a fenced block", i)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%d: the fenced block is not closed", open.Line)
	}
	return blocks, nil
}
