package httphook_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/httphook"
)

const secret = "XVNPF3QKJ5T6WD2RZ4HYBM7CLE"

func TestSecret(t *testing.T) {
	inside := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := httphook.Secret(secret, inside)
	for _, path := range []string{"/" + secret, "/hooks/acme/" + secret, "/" + secret + "?y=1"} {
		require.Equal(t, http.StatusTeapot, call(h, http.MethodPost, path).Code, path)
	}
	for _, path := range []string{"/", "/" + secret + "/", "/" + secret + "/x", "/" + secret[1:], "/" + secret + secret, "/?" + secret,
		"/" + strings.ToLower(secret)} {
		w := call(h, http.MethodPost, path)
		require.Equal(t, http.StatusNotFound, w.Code, path)
		require.NotContains(t, w.Body.String(), secret)
	}
}

func TestSecretMustBeStrong(t *testing.T) {
	for _, bad := range []string{"", "short", secret[:15], secret + "/x", secret + " ", secret + "商", secret + "%41"} {
		require.Panics(t, func() { httphook.Secret(bad, http.NotFoundHandler()) }, bad)
	}
	for _, good := range []string{secret[:16], "-._~abcXYZ012345"} {
		require.NotPanics(t, func() { httphook.Secret(good, http.NotFoundHandler()) }, good)
	}
}
