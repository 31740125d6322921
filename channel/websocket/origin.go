package websocket

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// An origin is where a page came from, in lower case and without its scheme's own port.
type origin struct{ scheme, host string }

// parseOrigin reads what a browser sends as Origin: a scheme and a host, nothing else. "null" is none.
func parseOrigin(s string) (origin, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Host == "" || !strings.EqualFold(u.Scheme+"://"+u.Host, s) {
		return origin{}, fmt.Errorf("%q is no origin such as https://app.example.com", s)
	}
	return origin{u.Scheme, bareHost(u.Scheme, u.Host)}, nil
}

// bareHost is host in lower case, without the port if that is the scheme's own.
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

// allowed reports whether r comes from its own host or from a listed origin, or from no browser at all: browsers always send
// Origin, and a page cannot suppress it.
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

// same reports whether o is where r went to. Only over TLS the scheme of r is known: a proxy may have ended TLS before us.
func (o origin) same(r *http.Request) bool {
	web := o.scheme == "https" || o.scheme == "http" && r.TLS == nil
	return web && o.host == bareHost(o.scheme, r.Host)
}
