package sms_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms"
)

// understood checks what the reading of an answer comes to: success if, and only if, the vendor took the message.
func understood(t *testing.T, err error, taken bool) {
	if taken {
		require.NoError(t, err)
		return
	}
	var e *channel.Error
	require.ErrorAs(t, err, &e)
	require.NotEqual(t, channel.Unknown, e.Kind)
	require.LessOrEqual(t, len(e.Code), 100)
	require.NotContains(t, e.Error(), "\n")
	require.GreaterOrEqual(t, e.RetryAfter, time.Duration(0))
}

// requireValid wants g to be valid, or, if lack is not "", to say that it lacks that.
func requireValid(t *testing.T, g sms.Gateway, lack string) {
	t.Helper()
	err := channel.Valid(sms.New(g, nil))
	if lack == "" {
		require.NoError(t, err)
		return
	}
	require.ErrorContains(t, err, lack)
}

// answered sends d to a server that answers with h, and returns the failure.
func answered(t *testing.T, h http.HandlerFunc, open func(*httptest.Server) channel.Channel, d channel.Delivery) *channel.Error {
	s := httptest.NewServer(h)
	defer s.Close()
	r, err := open(s).Send(t.Context(), d)
	require.Zero(t, r)
	var e *channel.Error
	require.ErrorAs(t, err, &e)
	return e
}

// flip changes the lowest bit of the last letter or digit.
func flip(s string) string {
	i := strings.LastIndexFunc(s, func(r rune) bool {
		return r < 0x80 && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z')
	})
	if i < 0 { // no ASCII: the last bit of the last character
		r := []rune(s)
		r[len(r)-1] ^= 1
		return string(r)
	}
	b := []byte(s)
	b[i] ^= 1
	return string(b)
}
