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
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Vendor says how to test a driver that speaks HTTP. The suite runs the server; the handlers answer as the vendor does. They may be
// called by many goroutines at once, and may read the body again.
type Vendor struct {
	// Open returns the driver under test. It sends to baseURL, which ends without a slash, with c.
	Open func(t *testing.T, baseURL string, c *http.Client) channel.Channel

	Delivery channel.Delivery // as in [Suite]
	Secrets  []string         // as in [Suite]; the suite adds baseURL

	// Accept checks a request (method, path, signature, body) and answers as the vendor does: with success, or with the vendor's
	// complaint, which then fails the rule "sends".
	Accept http.HandlerFunc

	// BadRecipient refuses the address. It is not needed by a driver whose AddressKind is None.
	BadRecipient http.HandlerFunc

	Throttle http.HandlerFunc // asks to wait Wait; by default with status 429 and Retry-After
	Deny     http.HandlerFunc // refuses the credentials; by default with status 401
	Fail     http.HandlerFunc // fails; by default with status 500

	Wait time.Duration // what Throttle asks for, by default 30 s; negative if it does not say

	// Aside answers requests that are not the sending itself, such as one for a token, by their pattern for [http.ServeMux].
	// All peers but the one that Refuses answer them, and they do not count as attempts.
	Aside map[string]http.HandlerFunc

	Cannot   map[Peer]string // as in [Suite]
	AnyExtra bool            // as in [Suite]
}

// HTTP tests a driver against servers that the suite runs: [Run] with some more rules, on redirects and endless answers.
func HTTP(t *testing.T, v Vendor) {
	t.Helper()
	if v.Open == nil || v.Accept == nil {
		t.Fatal("channeltest: a Vendor needs Open and Accept")
	}
	Run(t, v.suite())
}

// suite returns v as a Suite whose peers are servers.
func (v Vendor) suite() Suite {
	if v.Wait == 0 {
		v.Wait = 30 * time.Second
	}
	var last *server
	return Suite{
		Open: func(t *testing.T, p Peer) channel.Channel {
			last = v.serve(t, p)
			return v.Open(t, last.url, last.client)
		},
		Received: func() []string { return last.received() },
		Delivery: v.Delivery,
		Secrets:  append([]string{"http://127.0.0.1"}, v.Secrets...),
		Wait:     max(0, v.Wait),
		Cannot:   v.Cannot,
		AnyExtra: v.AnyExtra,
		server:   func() *server { return last },
	}
}

// A server is one peer of a driver that speaks HTTP.
type server struct {
	url    string
	client *http.Client
	stop   chan struct{}

	drained atomic.Bool // the whole of a flood was read

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
	mux.Handle("/", s.record(v.handler(t, s, p)))
	hs := httptest.NewServer(mux)
	s.url = hs.URL
	if p == Refuses {
		hs.Close()
	}
	t.Cleanup(func() {
		close(s.stop)
		s.client.CloseIdleConnections()
		hs.Close()
	})
	return s
}

// handler returns what answers for p.
func (v Vendor) handler(t *testing.T, s *server, p Peer) http.HandlerFunc {
	var h http.HandlerFunc
	switch p {
	case Accepts:
		h = v.Accept
	case Throttles:
		h = v.Throttle
	case Denies:
		h = v.Deny
	case Fails:
		h = v.Fail
	case BadRecipient:
		h = v.badRecipient(t, s)
	}
	if h != nil {
		return h
	}
	switch p {
	case Throttles:
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", strconv.Itoa(int(v.Wait.Seconds())))
			echo(w, r, http.StatusTooManyRequests)
		}
	case Denies:
		return func(w http.ResponseWriter, r *http.Request) { echo(w, r, http.StatusUnauthorized) }
	case Fails:
		return func(w http.ResponseWriter, r *http.Request) { echo(w, r, http.StatusInternalServerError) }
	case redirects:
		return func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, s.url+"/elsewhere", http.StatusTemporaryRedirect)
		}
	case floods:
		return s.flood
	case cutsLater:
		return func(w http.ResponseWriter, r *http.Request) {
			if len(s.received()) > 1 {
				panic(http.ErrAbortHandler)
			}
			v.Accept(w, r)
		}
	case Cuts:
		return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	default: // Silent
		return func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-s.stop:
			case <-r.Context().Done():
			}
			panic(http.ErrAbortHandler)
		}
	}
}

// badRecipient returns v's handler. Only a driver without addresses needs none, and that is known when it is open.
func (v Vendor) badRecipient(t *testing.T, s *server) http.HandlerFunc {
	if v.BadRecipient == nil && channel.AddressKind(v.Open(t, s.url, s.client)) != channel.None {
		t.Fatal("channeltest: Vendor.BadRecipient is missing: answer as the vendor does for an address that is none, " +
			"or say in Vendor.Cannot why it cannot tell")
	}
	return v.BadRecipient
}

// echo answers with the request, as some proxies do on their pages: what a driver must keep out of its errors.
func echo(w http.ResponseWriter, r *http.Request, status int) {
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(status)
	fmt.Fprintf(w, "%s %s\n%s", r.Method, r.URL, body)
}

// flood writes more than anybody should read, and notes whether somebody did.
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

// record notes each request before h answers it.
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

// describe returns the request as [Suite].Received wants it.
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

// unfold writes s and, if it is JSON, the strings in it, some of which are JSON again.
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
