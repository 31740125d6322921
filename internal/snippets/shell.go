package snippets

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

const module = "github.com/e7ddda3c/notify"

var assignment = regexp.MustCompile(`^[A-Za-z_]+=`)

// CheckShell returns a fault for each target, file and package in a shell block that the repository does not have.
func CheckShell(block string, repo fs.FS) []string {
	var faults []string
	for line := range strings.Lines(block) {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "$ "))
		if comment := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); comment >= 0 {
			words = words[:comment]
		}
		words = slices.DeleteFunc(words, assignment.MatchString)
		if len(words) == 0 {
			continue
		}
		for _, word := range words {
			if missing := missing(words[0], word, repo); missing != "" {
				faults = append(faults, fmt.Sprintf("%s: there is no %s", strings.TrimSpace(line), missing))
			}
		}
	}
	return faults
}

// missing returns the target, file or package that a word of a command refers to, if the repository does not have it.
func missing(command, word string, repo fs.FS) string {
	switch {
	case command == word:
		if script := strings.TrimPrefix(word, "./"); strings.Contains(script, "/") && !exists(repo, script) {
			return "file " + script
		}
	case command == "make" && word[0] != '-':
		makefile, _ := fs.ReadFile(repo, "Makefile")
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(word) + `:`).Match(makefile) {
			return "target " + word
		}
	case command == "go" && strings.HasPrefix(word, "./"), command == "go" && strings.HasPrefix(word, module):
		folder, _, _ := strings.Cut(strings.TrimPrefix(word, module), "@")
		folder = strings.Trim(strings.TrimSuffix(strings.TrimPrefix(folder, "."), "..."), "/")
		if !exists(repo, strings.TrimPrefix(folder+"/*.go", "/")) {
			return "package " + word
		}
	}
	return ""
}

func exists(repo fs.FS, pattern string) bool {
	found, _ := fs.Glob(repo, pattern)
	return len(found) > 0
}
