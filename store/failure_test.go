package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

func TestAFailureReadsAsItsError(t *testing.T) {
	for name, e := range map[string]*channel.Error{
		"all":  {Kind: channel.Temporary, Field: "to", Code: "E1", RetryAfter: 90 * time.Second, Err: errors.New("busy")},
		"kind": {Kind: channel.Rejected},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := store.FailureOf(e).Err()
			require.NoError(t, err)
			require.Equal(t, e, got)
		})
	}
	got, err := store.FailureOf(nil).Clean().Err()
	require.NoError(t, err)
	require.Nil(t, got)
}

func TestAFailureWithABadDurationIsAnErrorAndReadsAsTheRest(t *testing.T) {
	got, err := (&store.Failure{Kind: channel.Temporary, RetryAfter: "soon"}).Err()
	require.ErrorContains(t, err, "retry_after")
	require.Equal(t, &channel.Error{Kind: channel.Temporary}, got)
}

func TestCleanIsFitForDatabases(t *testing.T) {
	for name, word := range map[string]string{
		"NUL":               strings.Repeat("\x00", 1<<12),
		"no UTF-8":          strings.Repeat("a\xff", 1<<12),
		"a cut in a letter": strings.Repeat("€", 1<<12),
	} {
		t.Run(name, func(t *testing.T) {
			e := &channel.Error{Kind: channel.Kind(word), Field: word, Code: word, Err: errors.New(word)}
			raw := store.FailureOf(e)
			require.Equal(t, &store.Failure{Kind: channel.Kind(word), Field: word, Code: word, Text: word}, raw)
			f := raw.Clean()
			require.Equal(t, word, raw.Text, "the failure itself stays")
			for _, got := range []string{string(f.Kind), f.Field, f.Code, f.Text} {
				require.Equal(t, store.Clean(word), got)
				require.True(t, utf8.ValidString(got))
				require.NotContains(t, got, "\x00")
				require.LessOrEqual(t, len(got), 1000)
				require.Equal(t, got, store.Clean(got))
			}
		})
	}
	require.Equal(t, "hello, 世界", store.Clean("hello, 世界"))
}
