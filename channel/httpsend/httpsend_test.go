package httpsend_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

const secret = "s3cret"

// quiet is the log of servers whose errors are expected.
var quiet = log.New(io.Discard, "", 0)

// client returns a client with connections of its own.
func client(t *testing.T) *http.Client {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// post returns a request with a secret in the URL, the header and the body.
func post(t *testing.T, ctx context.Context, base string) *http.Request {
	req, err := httpsend.JSON(ctx, base+"/send?token="+secret, map[string]string{"text": secret})
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+secret)
	return req
}

func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// requireFailure checks the kind, and that no text in the chain contains the secret or the URL.
func requireFailure(t *testing.T, err error, kind channel.Kind) {
	t.Helper()
	require.ErrorIs(t, err, kind)
	var e *channel.Error
	require.ErrorAs(t, err, &e)
	for ; err != nil; err = errors.Unwrap(err) {
		require.NotContains(t, err.Error(), secret)
		require.NotContains(t, err.Error(), "http://")
	}
}

func TestDoReadsTheAnswer(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Got", string(body))
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "short and stout")
	})
	a, err := httpsend.Do(nil, post(t, t.Context(), url))
	require.NoError(t, err)
	require.Equal(t, http.StatusTeapot, a.Status)
	require.Equal(t, `{"text":"s3cret"}`, a.Header.Get("X-Got"))
	require.Equal(t, "short and stout", string(a.Body))
	require.Equal(t, 7*time.Second, a.RetryAfter)
}

func TestDoBoundsTheBody(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 64 {
			w.Write(bytes.Repeat([]byte("x"), 1<<20))
		}
	})
	a, err := httpsend.Do(client(t), post(t, t.Context(), url))
	require.NoError(t, err)
	require.Len(t, a.Body, 1<<20)
}

func TestDoKeepsTheConnection(t *testing.T) {
	var conns atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 100<<10)) }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	c := client(t)
	for range 3 {
		_, err := httpsend.Do(c, post(t, t.Context(), s.URL))
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, conns.Load())
}

func TestDoFollowsNoRedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var calls atomic.Int32
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			http.Redirect(w, r, "/elsewhere", status)
		})
		c := client(t)
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
		a, err := httpsend.Do(c, post(t, t.Context(), url))
		require.NoError(t, err)
		require.Equal(t, status, a.Status)
		require.Equal(t, channel.Rejected, a.Kind())
		require.EqualValues(t, 1, calls.Load())
	}
}

func TestDoTellsNothingOfARedirectThatCannotBeRead(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://%zz/"+r.URL.RawQuery)
		w.WriteHeader(http.StatusFound)
	})
	_, err := httpsend.Do(client(t), post(t, t.Context(), url))
	requireFailure(t, err, channel.Uncertain)
}

func TestDoIsUncertainWithoutAnAnswer(t *testing.T) {
	hijacked := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			conn, _, _ := w.(http.Hijacker).Hijack()
			defer conn.Close()
			io.WriteString(conn, answer)
		}
	}
	tests := map[string]string{
		"cut before the status":         "",
		"cut in the head":               "HTTP/1.1 200 OK\r\nContent-",
		"cut in the body":               "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
		"an answer that is not HTTP":    "POST /send?token=" + secret + " HTTP/1.1\r\n\r\n",
		"a status that is not a number": "HTTP/1.1 " + secret + "\r\n\r\n",
		"a malformed header":            "HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n",
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := httpsend.Do(client(t), post(t, t.Context(), serve(t, hijacked(answer))))
			requireFailure(t, err, channel.Uncertain)
		})
	}
}

func TestDoKeepsTheStatusOfACutBody(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusAccepted)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	a, err := httpsend.Do(client(t), post(t, t.Context(), url))
	requireFailure(t, err, channel.Uncertain)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, http.StatusAccepted, a.Status)
}

func TestDoIsUncertainWhenTheContextEndsOnASilentServer(t *testing.T) {
	arrived, end := make(chan struct{}), make(chan struct{})
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		close(arrived)
		<-end
	})
	defer close(end)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-arrived
		cancel(errors.New("the cause is " + secret))
	}()
	_, err := httpsend.Do(client(t), post(t, ctx, url))
	requireFailure(t, err, channel.Uncertain)
	require.ErrorIs(t, err, context.Canceled)
}

func TestDoIsUncertainAfterTheClientsOwnTimeout(t *testing.T) {
	end := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) { <-end })
	defer close(end)
	c := client(t)
	c.Timeout = 50 * time.Millisecond
	_, err := httpsend.Do(c, post(t, t.Context(), url))
	requireFailure(t, err, channel.Uncertain)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestDoIsTemporaryWithoutAConnection(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	deadline, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	closed := httptest.NewServer(nil)
	closed.Close()
	dial := func(f func(ctx context.Context) error) *http.Client {
		c := client(t)
		c.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, f(ctx) }
		return c
	}
	stuck := dial(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	hostile := dial(func(context.Context) error { return errors.New("dialing " + secret) })

	tests := map[string]struct {
		client *http.Client
		ctx    context.Context
		url    string
		wraps  error
	}{
		"no server listens":                        {client: client(t), ctx: t.Context(), url: closed.URL},
		"the name is unknown":                      {client: client(t), ctx: t.Context(), url: "http://host.invalid"},
		"the dialer's error contains the secret":   {client: hostile, ctx: t.Context(), url: "http://example.com"},
		"the context had ended before":             {client: client(t), ctx: ended, url: closed.URL, wraps: context.Canceled},
		"the deadline passed while dialing":        {client: stuck, ctx: deadline, url: "http://example.com", wraps: context.DeadlineExceeded},
		"the transport is a custom one":            {client: &http.Client{Transport: opaque{client(t).Transport}}, ctx: t.Context(), url: closed.URL},
		"the server speaks no TLS but is asked to": {client: client(t), ctx: t.Context(), url: strings.Replace(serve(t, nil), "http:", "https:", 1)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := httpsend.Do(tt.client, post(t, tt.ctx, tt.url))
			requireFailure(t, err, channel.Temporary)
			if tt.wraps != nil {
				require.ErrorIs(t, err, tt.wraps)
			}
		})
	}
}

// opaque hides the trace from the transport, as a custom RoundTripper may.
type opaque struct{ http.RoundTripper }

func (o opaque) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer context.AfterFunc(req.Context(), cancel)()
	return o.RoundTripper.RoundTrip(req.WithContext(ctx))
}

func TestDoIsUncertainIfItCannotSeeWhetherThereWasAConnection(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := httpsend.Do(&http.Client{Transport: opaque{client(t).Transport}}, post(t, t.Context(), url))
	requireFailure(t, err, channel.Uncertain)
}

func TestDoIsMisconfiguredForACertificateThatDoesNotVerify(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	s.Config.ErrorLog = quiet
	defer s.Close()
	_, err := httpsend.Do(client(t), post(t, t.Context(), s.URL))
	requireFailure(t, err, channel.Misconfigured)
}

func TestDoRefusesWhatCannotBeSent(t *testing.T) {
	tests := map[string]struct {
		url, name, header string
		want              channel.Kind
	}{
		"another scheme":           {url: "ftp://" + secret, want: channel.Misconfigured},
		"no host":                  {url: "http:///" + secret, want: channel.Misconfigured},
		"no scheme":                {url: secret, want: channel.Misconfigured},
		"a line break in a header": {url: "http://127.0.0.1:1", header: secret + "\r\nX: 1", want: channel.Rejected},
		"a header with a colon":    {url: "http://127.0.0.1:1", name: "X-Key:", header: secret, want: channel.Misconfigured},
		"a line break in a name":   {url: "http://127.0.0.1:1", name: "X-Key\r\n" + secret, want: channel.Misconfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req := post(t, t.Context(), tt.url)
			req.Header[cmp.Or(tt.name, "X-Title")] = []string{tt.header}
			_, err := httpsend.Do(client(t), req)
			requireFailure(t, err, tt.want)
		})
	}
}

// A server may close a kept connection after it has read a request: then net/http would send a GET again.
func TestDoSendsOnceOnAKeptConnection(t *testing.T) {
	tests := map[string]func(url string) *http.Request{
		"GET":  func(url string) *http.Request { req, _ := http.NewRequest(http.MethodGet, url, nil); return req },
		"POST": func(url string) *http.Request { req, _ := httpsend.JSON(t.Context(), url, 1); return req },
	}
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				if calls.Add(1) > 1 {
					panic(http.ErrAbortHandler)
				}
			})
			c := client(t)
			_, err := httpsend.Do(c, request(url))
			require.NoError(t, err)
			_, err = httpsend.Do(c, request(url))
			requireFailure(t, err, channel.Uncertain)
			require.EqualValues(t, 2, calls.Load())
		})
	}
}

func TestDoSendsAGetWithoutABody(t *testing.T) {
	for _, version := range []int{1, 2} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.ProtoMajor != version || len(body) > 0 || len(r.TransferEncoding) > 0 {
				w.WriteHeader(http.StatusBadRequest)
			}
		}))
		s.EnableHTTP2 = version == 2
		s.StartTLS()
		defer s.Close()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		require.NoError(t, err)
		a, err := httpsend.Do(s.Client(), req)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.Status)
		require.Nil(t, req.Body, "the caller's request is not changed")
	}
}

func TestDoClassifiesOverHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	_, err := httpsend.Do(s.Client(), post(t, t.Context(), s.URL))
	requireFailure(t, err, channel.Uncertain)
	s.Close()
	_, err = httpsend.Do(s.Client(), post(t, t.Context(), s.URL))
	requireFailure(t, err, channel.Temporary)
}
