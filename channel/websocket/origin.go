package websocket

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// An origin is the scheme and host that a page was loaded from, in lower case and without the scheme's default port.
type origin struct{ scheme, host string }

// parseOrigin parses an Origin header: a scheme and a host, and nothing else. "null" is an error.
func parseOrigin(s string) (origin, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || !strings.EqualFold(u.Scheme+"://"+u.Host, s) {
		return origin{}, fmt.Errorf("%q must be an origin, such as https://app.example.com", s)
	}
	return origin{u.Scheme, bareHost(u.Scheme, u.Host)}, nil
}

// bareHost returns host in lower case, without the scheme's default port.
func bareHost(scheme, host string) string {
	host = strings.ToLower(host)
	switch scheme {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}

// allowed reports whether r comes from its own host, from a listed origin, or from a program other than a browser. A request
// without an Origin header is such a program's: browsers always send the header, and a page cannot suppress it.
func (h *Hub) allowed(r *http.Request) bool {
	sent := r.Header.Values("Origin")
	if len(sent) == 0 {
		return true
	}
	o, err := parseOrigin(sent[0])
	if err != nil || len(sent) > 1 {
		return false
	}
	return h.origins[o] || o.same(r)
}

// same reports whether o is the origin that r was sent to. Without TLS, r may have come through a proxy that terminates TLS, so
// both http and https match.
func (o origin) same(r *http.Request) bool {
	web := o.scheme == "https" || o.scheme == "http" && r.TLS == nil
	return web && o.host == bareHost(o.scheme, r.Host)
}
