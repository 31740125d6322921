package snippets_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/snippets"
)

func TestBlocks(t *testing.T) {
	blocks, err := snippets.Blocks("# T\n```go\nx\n\n```\n<!-- snippet: file a.go -->\n\n- l\n")
	require.ErrorContains(t, err, "7: the snippet comment")
	require.Empty(t, blocks)

	_, err = snippets.Blocks("text\n```go\nx\n")
	require.ErrorContains(t, err, "2: the fenced block is not closed")

	blocks, err = snippets.Blocks("# T\n```go title\nx\n\n  y\n```\n<!-- snippet: file a.go -->\n\n  ```yaml\n  a:\n    b\n  ```\n")
	require.NoError(t, err)
	require.Equal(t, []snippets.Block{
		{Line: 2, Language: "go", Text: "x\n\n  y\n"},
		{Line: 9, Language: "yaml", Directive: "file a.go", Text: "a:\n  b\n"},
	}, blocks)
}

func TestQuotes(t *testing.T) {
	const file = "package main\n\nfunc main() {\n\ta()\n\n\tif b {\n\t\tc()\n\t}\n}\n"
	tests := map[string]struct {
		part string
		want bool
	}{
		"whole lines":                  {"func main() {\n\ta()\n", true},
		"lines without their indent":   {"a()\n\nif b {\n\tc()\n}\n", true},
		"not lines with another":       {"a()\nif b {\n", false},
		"not lines in part":            {"a(\n", false},
		"not with another inner shape": {"if b {\nc()\n}\n", false},
		"not more than the file has":   {file + file, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, snippets.Quotes(test.part, file)) })
	}
}

func TestCheckShell(t *testing.T) {
	repo := fstest.MapFS{
		"Makefile":                    {Data: []byte("test: ## Test\n\tgo test\n")},
		"notify.go":                   {},
		"scripts/services":            {},
		"examples/quickstart/main.go": {},
	}
	tests := map[string]struct {
		line string
		want []string
	}{
		"passes what is there": {line: "git clone x && cd notify\n$ ONLY=a make test # all\nscripts/services up\n" +
			"go run ./examples/quickstart -once\ngo get github.com/e7ddda3c/notify@latest\ngo test ./...\n"},
		"misses a target":  {"make tests", []string{"make tests: there is no target tests"}},
		"misses a program": {"go run ./examples/quick", []string{"go run ./examples/quick: there is no package ./examples/quick"}},
		"misses a script":  {"./scripts/start", []string{"./scripts/start: there is no file scripts/start"}},
		"misses a package": {"go get " + pkg, []string{"go get " + pkg + ": there is no package " + pkg}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, snippets.CheckShell(test.line, repo)) })
	}
}

const pkg = "github.com/e7ddda3c/notify/channel/fax"
