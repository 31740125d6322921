package notify

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLocaleSyntax(t *testing.T) {
	for _, good := range []string{"", "de", "zh-Hans-CN", "zh_CN", "sr-Latn", "de-1996", "en-a-bbb", "DE"} {
		require.NoError(t, checkLocale(good), good)
	}
	for _, bad := range []string{"d", "-", "de-", "de--at", "-de", "d e", "1e", "de-123456789", "abcdefghi", "de_AT@euro", "dé"} {
		require.Error(t, checkLocale(bad), bad)
	}
}
