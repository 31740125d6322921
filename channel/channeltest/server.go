package channeltest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A server is a peer of a driver that speaks HTTP.
type server struct {
	url    string
	client *http.Client
	stop   chan struct{} // closed at the end of the test, to end silence

	drained atomic.Bool // the client read a flood to its end

	mu   sync.Mutex
	seen []string
}

// serve starts a server that behaves as p.
func (v Vendor) serve(t *testing.T, p Peer) *server {
	s := &server{stop: make(chan struct{}), client: &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}}
	mux := http.NewServeMux()
	for pattern, h := range v.Aside {
		mux.Handle(pattern, h)
	}
	hs := httptest.NewServer(mux)
	s.url = hs.URL
	if p == Refuses {
		hs.Close()
	}
	mux.Handle("/", s.record(v.handler(t, s, p)))
	t.Cleanup(func() {
		close(s.stop)
		s.client.CloseIdleConnections()
		hs.Close()
	})
	return s
}

// handler returns the vendor's handler for p, or else the default one.
func (v Vendor) handler(t *testing.T, s *server, p Peer) http.HandlerFunc {
	own := map[Peer]http.HandlerFunc{
		Accepts: v.Accept, Throttles: v.Throttle, Denies: v.Deny, Fails: v.Fail, BadRecipient: v.BadRecipient,
	}[p]
	if own != nil {
		return own
	}
	switch p {
	case Throttles:
		return v.throttle
	case Denies:
		return func(w http.ResponseWriter, r *http.Request) { echo(w, r, http.StatusUnauthorized) }
	case Fails:
		return func(w http.ResponseWriter, r *http.Request) { echo(w, r, http.StatusInternalServerError) }
	case BadRecipient: // not called for a driver without addresses
		return func(w http.ResponseWriter, r *http.Request) {
			t.Error("channeltest: Vendor.BadRecipient is required: answer like the vendor for an invalid address, " +
				"or give the reason in Vendor.Cannot if the vendor does not report one")
			echo(w, r, http.StatusBadRequest)
		}
	case redirects:
		return s.redirect
	case floods:
		return s.flood
	case cutsLater:
		return s.cutLater(v.Accept)
	case Cuts:
		return cut
	}
	return s.silence
}

func (v Vendor) throttle(w http.ResponseWriter, r *http.Request) {
	if v.Wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(v.Wait.Seconds())))
	}
	echo(w, r, http.StatusTooManyRequests)
}

// echo answers with the request, like the error pages of some proxies. A driver must keep this text out of its errors.
func echo(w http.ResponseWriter, r *http.Request, status int) {
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(status)
	fmt.Fprintf(w, "%s %s\n%s", r.Method, r.URL, body)
}

func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func (s *server) cutLater(accept http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if len(s.received()) > 1 {
			cut(w, r)
		}
		accept(w, r)
	}
}

func (s *server) silence(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.stop:
	case <-r.Context().Done():
	}
	cut(w, r)
}

func (s *server) redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, s.url+"/elsewhere", http.StatusTemporaryRedirect)
}

// flood writes 64 MiB, more than a driver should read, and notes whether the client read them all.
func (s *server) flood(w http.ResponseWriter, r *http.Request) {
	echo(w, r, http.StatusOK)
	block := make([]byte, 1<<20)
	for range 64 {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
	s.drained.Store(true)
}

// record records each request before h answers.
func (s *server) record(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		s.seen = append(s.seen, describe(r, body))
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	})
}

func (s *server) received() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// describe returns the request in the form of [Suite].Received.
func describe(r *http.Request, body []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL.EscapedPath())
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.Header[name], ", "))
	}
	fmt.Fprintf(&b, "\n%s\n%s\n", r.URL.Path, body)
	form, _ := url.ParseQuery(string(body))
	for _, values := range []url.Values{r.URL.Query(), form} {
		for _, vs := range values {
			for _, v := range vs {
				unfold(&b, v)
			}
		}
	}
	unfold(&b, string(body))
	return b.String()
}

// unfold writes s. If s is JSON, unfold also writes each string in it, recursively, since such a string may be JSON too.
func unfold(b *strings.Builder, s string) {
	b.WriteString(s + "\n")
	var tree any
	if json.Unmarshal([]byte(s), &tree) != nil {
		return
	}
	walk(tree, "", func(_, leaf string) string {
		if leaf != s {
			unfold(b, leaf)
		}
		return leaf
	})
}
