package notify_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
)

func TestLocaleSyntax(t *testing.T) {
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": &driver{}}})
	m := hello("pager")
	for _, m.Locale = range []string{"", "de", "zh-Hans-CN", "zh_CN", "sr-Latn", "de-1996", "en-a-bbb", "DE"} {
		_, err := n.Send(t.Context(), m)
		require.NoError(t, err, m.Locale)
	}
	for _, m.Locale = range []string{"d", "-", "de-", "de--at", "-de", "d e", "1e", "de-123456789", "abcdefghi", "de_AT@euro", "dé"} {
		_, err := n.Send(t.Context(), m)
		var f *notify.FieldError
		require.ErrorAs(t, err, &f, m.Locale)
		require.Equal(t, "locale", f.Field)
	}
}
