package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/e7ddda3c/notify/channel/internal/sign"
)

// signed reports whether signature, the X-Twilio-Signature of a call to rawURL, was made with token. rawURL is the URL that Twilio
// called: behind a proxy, the public one. A call carries either a form, or a body with its digest in the URL; then form is nil.
// Source: https://www.twilio.com/docs/usage/security
func signed(token, rawURL string, form url.Values, body []byte, signature string) bool {
	u, err := url.Parse(rawURL)
	if err != nil {
		return false
	}
	if digest := u.Query().Get("bodySHA256"); form == nil && !hmac.Equal([]byte(digest), []byte(sign.Digest(body))) {
		return false
	}
	var params strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Sorted(slices.Values(form[name])) {
			params.WriteString(name + value)
		}
	}
	ok := false
	for _, host := range withAndWithoutPort(u) {
		called := strings.Replace(rawURL, u.Host, host, 1)
		want := base64.StdEncoding.EncodeToString(sign.MAC(sha1.New, token, called+params.String()))
		ok = hmac.Equal([]byte(want), []byte(signature)) || ok
	}
	return ok
}

// withAndWithoutPort returns u's host with and without the scheme's default port, because Twilio signs either.
func withAndWithoutPort(u *url.URL) []string {
	port := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	switch u.Port() {
	case "":
		return []string{u.Host, u.Host + ":" + port}
	case port:
		return []string{u.Host, strings.TrimSuffix(u.Host, ":"+port)}
	}
	return []string{u.Host}
}
