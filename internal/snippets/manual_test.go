package snippets_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/snippets"
)

const repo = "../.."

// TestManual checks all blocks of the manual. The name of a subtest is the file and line of the block.
func TestManual(t *testing.T) {
	var files []string
	for _, pattern := range []string{"README.md", "CONTRIBUTING.md", "docs/*.md"} {
		found, err := filepath.Glob(filepath.Join(repo, pattern))
		require.NoError(t, err)
		files = append(files, found...)
	}
	require.NotEmpty(t, files)
	for _, file := range files {
		name, err := filepath.Rel(repo, file)
		require.NoError(t, err)
		markdown, err := os.ReadFile(file)
		require.NoError(t, err)
		blocks, err := snippets.Blocks(string(markdown))
		require.NoError(t, err, name)
		for i, block := range blocks {
			t.Run(name+":"+strconv.Itoa(block.Line), func(t *testing.T) { check(t, block, blocks[i+1:]) })
		}
	}
}

// The first Go in the README is a complete, short program.
func TestFirstProgramIsShort(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(repo, "README.md"))
	require.NoError(t, err)
	blocks, err := snippets.Blocks(string(readme))
	require.NoError(t, err)
	first := slices.IndexFunc(blocks, func(b snippets.Block) bool { return b.Language == "go" })
	require.GreaterOrEqual(t, first, 0)
	_, main, _ := strings.Cut(blocks[first].Text, "\nfunc main() {\n")
	main, _, closed := strings.Cut(main, "\n}\n")
	require.True(t, closed, "line %d is a program", blocks[first].Line)
	require.LessOrEqual(t, strings.Count(main, "\n")+1, 20)
}

var packageClause = regexp.MustCompile(`(?m)^package (\w+)$`)

func check(t *testing.T, block snippets.Block, rest []snippets.Block) {
	verb, argument, _ := strings.Cut(block.Directive, " ")
	switch {
	case verb == "file":
		file, err := os.ReadFile(filepath.Join(repo, argument))
		require.NoError(t, err)
		require.True(t, snippets.Quotes(block.Text, string(file)), "%s must contain these lines:\n%s", argument, block.Text)
	case block.Directive == "build":
		golang(t, "vet", write(t, "main.go", block.Text))
	case block.Directive != "":
		t.Fatalf("unknown snippet comment %q", block.Directive)
	case block.Language == "sh":
		require.Empty(t, snippets.CheckShell(block.Text, os.DirFS(repo)))
	case block.Language == "go":
		checkGo(t, block, rest)
	}
}

func checkGo(t *testing.T, block snippets.Block, rest []snippets.Block) {
	var name string
	if clause := packageClause.FindStringSubmatch(block.Text); clause != nil {
		name = clause[1]
	}
	switch {
	case name == "main":
		program := filepath.Join(t.TempDir(), "program")
		golang(t, "build", "-o", program, write(t, "main.go", block.Text))
		output := run(t, program)
		if len(rest) > 0 && rest[0].Language == "text" {
			require.Equal(t, strings.TrimSpace(rest[0].Text), strings.TrimSpace(output), "the output must be the block at line %d", rest[0].Line)
		}
	case strings.HasSuffix(name, "_test"):
		golang(t, "test", write(t, "snippet_test.go", block.Text))
	case name != "":
		golang(t, "vet", write(t, "snippet.go", block.Text))
	default:
		t.Fatalf("Go without a package clause needs <!-- snippet: file PATH --> above, with the path of the file that contains the block\n%s", block.Text)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// golang runs the go command on a file as in a program that requires only the root module.
func golang(t *testing.T, args ...string) { run(t, "go", args...) }

// run runs a command at the top of the repository and returns the output.
func run(t *testing.T, command string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir = repo
	cmd.Env = append(cmd.Environ(), "GOWORK=off", "GOPROXY=off", "GOFLAGS=-buildvcs=false")
	var faults strings.Builder
	cmd.Stderr = &faults
	output, err := cmd.Output()
	require.NoError(t, err, "%s%s", output, &faults)
	return string(output)
}
