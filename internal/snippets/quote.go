package snippets

import (
	"slices"
	"strings"
)

// Quotes reports whether whole contains the lines of part, one after another, apart from a common indentation.
func Quotes(part, whole string) bool {
	lines := strings.Split(whole, "\n")
	want := dedent(strings.Split(strings.Trim(part, "\n"), "\n"))
	for i := range len(lines) - len(want) + 1 {
		if slices.Equal(dedent(lines[i:i+len(want)]), want) {
			return true
		}
	}
	return false
}

// dedent returns lines without their common indentation and without trailing blanks.
func dedent(lines []string) []string {
	var shared string
	first := true
	for _, line := range lines {
		text := strings.TrimLeft(line, " \t")
		if text == "" {
			continue
		}
		if indent := line[:len(line)-len(text)]; first || len(indent) < len(shared) {
			shared, first = indent, false
		}
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimRight(strings.TrimPrefix(line, shared), " \t")
	}
	return out
}
