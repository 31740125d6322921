package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	coder "github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/websocket"
)

func TestOrigin(t *testing.T) {
	h := start(t, &websocket.Options{Origins: []string{"https://app.example.com", "http://dev.example.com:8080", "HTTPS://Shop.example.com:443"}})
	tests := map[string]struct {
		origins []string
		host    string
		refused bool
	}{
		"a program that is no browser":          {},
		"the same host":                         {origins: []string{"https://hub.example.com"}, host: "hub.example.com"},
		"the same host before a TLS proxy":      {origins: []string{"http://hub.example.com"}, host: "hub.example.com"},
		"the same host in capitals":             {origins: []string{"https://HUB.example.com"}, host: "hub.Example.com"},
		"the same host and port":                {origins: []string{"http://hub.example.com:81"}, host: "hub.example.com:81"},
		"the same host with the scheme's port":  {origins: []string{"https://hub.example.com"}, host: "hub.example.com:443"},
		"a listed origin":                       {origins: []string{"https://app.example.com"}},
		"a listed origin in capitals":           {origins: []string{"https://APP.example.com"}},
		"a listed origin with its port":         {origins: []string{"http://dev.example.com:8080"}},
		"an origin that was listed in capitals": {origins: []string{"https://shop.example.com"}},

		"a foreign origin":                      {origins: []string{"https://evil.example.net"}, refused: true},
		"null":                                  {origins: []string{"null"}, refused: true},
		"an empty origin":                       {origins: []string{""}, refused: true},
		"two origins":                           {origins: []string{"https://app.example.com", "https://evil.example.net"}, refused: true},
		"a listed host with another scheme":     {origins: []string{"http://app.example.com"}, refused: true},
		"a listed host with another port":       {origins: []string{"https://app.example.com:8443"}, refused: true},
		"a listed host as a prefix":             {origins: []string{"https://app.example.com.evil.example.net"}, refused: true},
		"a listed host as a suffix":             {origins: []string{"https://evil-app.example.com"}, refused: true},
		"a host below a listed one":             {origins: []string{"https://x.app.example.com"}, refused: true},
		"a listed host as a user name":          {origins: []string{"https://app.example.com@evil.example.net"}, refused: true},
		"a listed origin with a path":           {origins: []string{"https://app.example.com/x"}, refused: true},
		"the same host with another port":       {origins: []string{"https://hub.example.com:444"}, host: "hub.example.com", refused: true},
		"the same host with a scheme of no web": {origins: []string{"file://hub.example.com"}, host: "hub.example.com", refused: true},
		"a broken origin":                       {origins: []string{"https://[::1"}, refused: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			header := http.Header{"Authorization": {"Bearer ann"}}
			if test.origins != nil {
				header["Origin"] = test.origins
			}
			r := upgradeRequest(header)
			r.Host = test.host
			require.Equal(t, test.refused, status(t, h, r) == http.StatusForbidden)
		})
	}
}

func TestOriginOverTLS(t *testing.T) {
	hub := websocket.New(auth, nil)
	server := httptest.NewTLSServer(hub)
	defer server.Close()
	defer end(t, hub)
	host := strings.TrimPrefix(server.URL, "https://")
	for origin, ok := range map[string]bool{"https://" + host: true, "http://" + host: false} {
		c, resp, err := dial(t.Context(), server.URL, &coder.DialOptions{
			HTTPClient: server.Client(), HTTPHeader: http.Header{"Authorization": {"Bearer ann"}, "Origin": {origin}},
		})
		if !ok {
			require.Equal(t, http.StatusForbidden, resp.status)
			continue
		}
		require.NoError(t, err)
		eventually(t, func() bool { return hub.Count(websocket.Everyone()) == 1 })
		_, err = hub.Push(t.Context(), websocket.Everyone(), websocket.Text("over TLS"))
		require.NoError(t, err)
		require.Equal(t, "over TLS", client{c}.text(t))
		hub.Disconnect(websocket.Everyone(), websocket.CloseRevoked, "")
		code, _ := client{c}.closed(t)
		require.Equal(t, websocket.CloseRevoked, code)
	}
}

func TestToken(t *testing.T) {
	tests := map[string]struct {
		header http.Header
		want   string
	}{
		"nothing":                         {http.Header{}, ""},
		"an Authorization header":         {http.Header{"Authorization": {"Bearer abc.def-_"}}, "abc.def-_"},
		"the scheme in lower case":        {http.Header{"Authorization": {"bearer abc"}}, "abc"},
		"another scheme":                  {http.Header{"Authorization": {"Basic abc"}}, ""},
		"no token after the scheme":       {http.Header{"Authorization": {"Bearer"}}, ""},
		"a subprotocol":                   {http.Header{"Sec-Websocket-Protocol": {"notify.v1, bearer.a.b.c"}}, "a.b.c"},
		"a subprotocol on its own line":   {http.Header{"Sec-Websocket-Protocol": {"notify.v1", "bearer.a.b.c"}}, "a.b.c"},
		"a subprotocol without spaces":    {http.Header{"Sec-Websocket-Protocol": {"bearer.abc,notify.v1"}}, "abc"},
		"only our own subprotocol":        {http.Header{"Sec-Websocket-Protocol": {"notify.v1"}}, ""},
		"a header before any subprotocol": {http.Header{"Authorization": {"Bearer x"}, "Sec-Websocket-Protocol": {"bearer.y"}}, "x"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, websocket.Token(&http.Request{Header: test.header}))
		})
	}
}

func TestTheTokenIsNeverRepeated(t *testing.T) {
	h := start(t, nil)
	for _, offer := range [][]string{{"notify.v1", "bearer.s3cret"}, {"bearer.s3cret", "notify.v1"}, {"bearer.s3cret"}} {
		c, resp, err := h.try(t, "/", nil, offer...)
		require.NoError(t, err)
		defer c.CloseNow()
		for name, values := range resp.header {
			require.NotContains(t, strings.Join(values, " "), "s3cret", name)
		}
		if len(offer) > 1 {
			require.Equal(t, "notify.v1", c.Subprotocol())
		}
	}
	eventually(t, func() bool { return h.Count(websocket.User("", "s3cret")) == 3 })
}

func TestRefusedHandshakes(t *testing.T) {
	var log bytes.Buffer
	hub := websocket.New(func(r *http.Request) (websocket.Identity, error) {
		switch websocket.Token(r) {
		case "bad":
			return websocket.Identity{User: "ann"}, errors.New("the signature of s3cret is wrong")
		case "nobody":
			return websocket.Identity{Tenant: "a"}, nil
		case "old":
			return websocket.Identity{User: "ann", Expires: time.Now().Add(-time.Second)}, nil
		case "panic":
			panic("s3cret")
		}
		return websocket.Identity{User: "ann"}, nil
	}, &websocket.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	h := serve(t, hub)
	tests := map[string]struct {
		token  string
		upset  func(*http.Request)
		status int
	}{
		"an authenticator's error":     {"bad", nil, http.StatusUnauthorized},
		"an identity without a user":   {"nobody", nil, http.StatusUnauthorized},
		"an identity that has expired": {"old", nil, http.StatusUnauthorized},
		"an authenticator that panics": {"panic", nil, http.StatusInternalServerError},
		"a request that is no upgrade": {"ann", func(r *http.Request) { r.Header.Del("Upgrade") }, http.StatusUpgradeRequired},
		"a post":                       {"ann", func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed},
		"an old version of WebSocket":  {"ann", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }, http.StatusBadRequest},
		"a key that is none":           {"ann", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "x") }, http.StatusBadRequest},
		"a request that is accepted":   {"ann", nil, http.StatusNotImplemented}, // a ResponseRecorder cannot be hijacked
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := upgradeRequest(http.Header{"Authorization": {"Bearer " + test.token}})
			if test.upset != nil {
				test.upset(r)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, test.status, w.Code)
			require.NotContains(t, w.Body.String(), "s3cret")
			require.Equal(t, test.status == http.StatusUnauthorized, w.Header().Get("WWW-Authenticate") == "Bearer")
		})
	}
	require.Equal(t, uint64(len(tests)), h.Stats().Refused)
	require.Contains(t, log.String(), "msg=panic in=authenticator")
	require.NotContains(t, log.String(), "s3cret")

	h.connect(t, "good") // no refused handshake has kept a place
}

// A user taken from the URL would let any client read another user's messages.
func TestTheUserIsTheAuthenticatorsAndNotTheURLs(t *testing.T) {
	h := start(t, nil)
	c, _, err := h.try(t, "/ws/bob?user=bob&user_id=bob&token=bob", http.Header{"Authorization": {"Bearer ann"}})
	require.NoError(t, err)
	defer c.CloseNow()
	eventually(t, func() bool { return h.Count(websocket.User("", "ann")) == 1 })
	require.Zero(t, h.Count(websocket.User("", "bob")))
}

func TestLimits(t *testing.T) {
	h := start(t, &websocket.Options{MaxConnections: 3, MaxPerUser: 2})
	refused := func(token string) int {
		c, resp, err := h.try(t, "/", http.Header{"Authorization": {"Bearer " + token}})
		if err == nil {
			_ = c.CloseNow()
		}
		return resp.status
	}
	first := h.connect(t, "ann")
	h.connect(t, "ann")
	require.Equal(t, http.StatusTooManyRequests, refused("ann"))
	h.connect(t, "bob")
	require.Equal(t, http.StatusServiceUnavailable, refused("carl"))
	require.Equal(t, http.StatusServiceUnavailable, refused("ann"))

	require.NoError(t, first.Close(coder.StatusNormalClosure, ""))
	eventually(t, func() bool { return h.Stats().Connections == 2 })
	eventually(t, func() bool {
		return refused("ann") == http.StatusSwitchingProtocols
	})
}

func TestAHubThatIsNotValid(t *testing.T) {
	tests := map[string]*websocket.Hub{
		"no authenticator":     websocket.New(nil, nil),
		"an origin of a page":  websocket.New(auth, &websocket.Options{Origins: []string{"https://app.example.com/"}}),
		"a host as an origin":  websocket.New(auth, &websocket.Options{Origins: []string{"app.example.com"}}),
		"any origin":           websocket.New(auth, &websocket.Options{Origins: []string{"*"}}),
		"null as an origin":    websocket.New(auth, &websocket.Options{Origins: []string{"null"}}),
		"a negative heartbeat": websocket.New(auth, &websocket.Options{Heartbeat: -1}),
		"a negative queue":     websocket.New(auth, &websocket.Options{QueueBytes: -1}),
	}
	for name, hub := range tests {
		t.Run(name, func(t *testing.T) {
			require.Error(t, channel.Valid(hub))
			require.Equal(t, http.StatusInternalServerError, status(t, hub, upgradeRequest(nil)))
			_, err := hub.Send(t.Context(), delivery)
			require.ErrorIs(t, err, channel.Misconfigured)
			require.NoError(t, hub.Close(t.Context()))
		})
	}
	require.NoError(t, channel.Valid(websocket.New(auth, nil)))
}

// Bytes that a client sends together with its handshake are in the server's buffer, no longer on the socket.
func TestFramesThatComeWithTheHandshakeAreRead(t *testing.T) {
	got := make(chan string, 2)
	h := start(t, &websocket.Options{OnMessage: func(_ context.Context, _ *websocket.Conn, m websocket.Incoming) { got <- string(m.Data) }})
	h.raw(t, "ann", append(masked(0x1, "early"), masked(0x1, "bird")...)...)
	require.Equal(t, "early", <-got)
	require.Equal(t, "bird", <-got)
}

// Middleware wraps the ResponseWriter. Some wrappers can be unwrapped; gin's must be told to write the header.
func TestResponseWritersOfMiddleware(t *testing.T) {
	tests := map[string]func(http.ResponseWriter) http.ResponseWriter{
		"one that can be unwrapped":  func(w http.ResponseWriter) http.ResponseWriter { return unwrapped{w} },
		"one that delays the header": func(w http.ResponseWriter) http.ResponseWriter { return &lazy{ResponseWriter: w} },
	}
	for name, wrap := range tests {
		t.Run(name, func(t *testing.T) {
			hub := websocket.New(auth, nil)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hub.ServeHTTP(wrap(w), r) }))
			defer server.Close()
			defer end(t, hub)
			c, _, err := dial(t.Context(), server.URL, &coder.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer ann"}}})
			require.NoError(t, err)
			eventually(t, func() bool { return hub.Count(websocket.Everyone()) == 1 })
			require.NoError(t, c.CloseNow())
		})
	}
}

type unwrapped struct{ w http.ResponseWriter }

func (u unwrapped) Header() http.Header         { return u.w.Header() }
func (u unwrapped) Write(b []byte) (int, error) { return u.w.Write(b) }
func (u unwrapped) WriteHeader(code int)        { u.w.WriteHeader(code) }
func (u unwrapped) Unwrap() http.ResponseWriter { return u.w }

type lazy struct {
	http.ResponseWriter
	code int
}

func (l *lazy) WriteHeader(code int)        { l.code = code }
func (l *lazy) WriteHeaderNow()             { l.ResponseWriter.WriteHeader(l.code) }
func (l *lazy) Unwrap() http.ResponseWriter { return l.ResponseWriter }

func upgradeRequest(header http.Header) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://hub.example.com/ws", nil)
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	for name, values := range header {
		r.Header[name] = values
	}
	return r
}

// status returns the status that a handler answers with. An accepted upgrade is 501, because a recorder cannot be hijacked.
func status(t *testing.T, h http.Handler, r *http.Request) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	_, err := io.Copy(io.Discard, w.Body)
	require.NoError(t, err)
	return w.Code
}
