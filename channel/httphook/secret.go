package httphook

import (
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"strings"
)

const minSecret = 16

// Secret returns a handler that passes a call to h only if the last segment of its URL's path is the secret. Any other call gets 404.
//
// It serves vendors that sign nothing, where the URL is the only proof of who calls. Mount the handler at "/hooks/acme/", give
// https://example.com/hooks/acme/<secret> to the vendor alone, and keep that URL out of the access logs of proxies.
// [crypto/rand.Text] makes a good secret.
//
// Secret panics unless the secret has at least 16 characters, all of them letters, digits or one of "-._~": with a weaker one,
// strangers could report anything.
func Secret(secret string, h http.Handler) http.Handler {
	if len(secret) < minSecret || strings.ContainsFunc(secret, escaped) {
		panic("httphook: the secret must have 16 or more letters, digits, '-', '.', '_' and '~'")
	}
	want := sha256.Sum256([]byte(secret))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := sha256.Sum256([]byte(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]))
		if !hmac.Equal(given[:], want[:]) {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// escaped reports whether URLs may escape c: any but the unreserved characters of RFC 3986.
func escaped(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-._~", c))
}
