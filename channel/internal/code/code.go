// Package code tells the codes and names of vendors from free text, which may hold an address or a part of a message and so must not
// reach an error or the log.
package code

import (
	"strings"
	"unicode"
)

// Valid reports whether s has the form of a code or name: up to 100 bytes of letters, digits and "._-:". Examples are "MK:0001" and
// "isv.OUT_OF_SERVICE".
func Valid(s string) bool {
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-:", r)
	}
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, odd)
}
