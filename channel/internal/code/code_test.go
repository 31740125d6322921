package code_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/internal/code"
)

func TestValid(t *testing.T) {
	for _, good := range []string{"30005", "isv.OUT_OF_SERVICE", "MK:0001", "MOBILE-IN-BLACK", "é", strings.Repeat("x", 100)} {
		require.True(t, code.Valid(good), good)
	}
	for _, bad := range []string{"", "two words", "isv.X\n", "+15005550006", "your code is 4711!", "a\x00b", "\xff", strings.Repeat("x", 101)} {
		require.False(t, code.Valid(bad), bad)
	}
}
