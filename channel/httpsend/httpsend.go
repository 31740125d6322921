// Package httpsend makes one HTTP attempt for a driver. [Do] returns the response, or an error that tells whether the request may
// have been sent. The driver interprets the response; for a vendor without codes of its own, [Answer.Kind] classifies the status.
//
//	req, err := httpsend.JSON(ctx, d.url, body)
//	if err != nil {
//		return channel.Receipt{}, fmt.Errorf("pager: %w", err)
//	}
//	a, err := httpsend.Do(d.client, req)
//	if err != nil {
//		return channel.Receipt{}, fmt.Errorf("pager: %w", err)
//	}
//	if k := a.Kind(); k != channel.Unknown {
//		return channel.Receipt{}, a.Error(k, "", fmt.Errorf("pager: HTTP status %d", a.Status))
//	}
//	return channel.Receipt{Provider: "pager"}, nil
package httpsend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"github.com/e7ddda3c/notify/channel"
)

// The bound of a response body, in bytes after decompression.
const maxBody = 1 << 20

// Do sends req once with c, or with a zero [http.Client] if c is nil, and reads the response, whatever its status. It does not follow
// redirects, even if c would. The deadline is that of req's context, and c.Timeout if set.
//
// Every error is a [*channel.Error], whose text contains no URL, no header value and no part of the response:
//
//   - Misconfigured: the URL is not an absolute http or https URL, the name of a header is invalid, or the server's certificate does
//     not verify.
//   - Rejected: a header contains a line break or another control character. Nothing was sent.
//   - Temporary: no connection was made (refused, unknown host, failed handshake, or the context ended first). Nothing was sent.
//   - Uncertain: a connection was made, but the response is incomplete. The Answer has the status and the header if they arrived.
//
// If req's context is done, the error wraps the context's error.
//
// When a reused connection turns out to be dead, net/http sends the request again by itself. It repeats a POST only if the server
// cannot have read the first one, or if the request has an Idempotency-Key header. Do keeps net/http from repeating a GET.
func Do(c *http.Client, req *http.Request) (Answer, error) {
	if err := check(req); err != nil {
		return Answer{}, err
	}
	var once http.Client
	if c != nil {
		once = *c
	}
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	var t trace
	resp, err := once.Do(unrepeatable(req.WithContext(t.watch(req.Context()))))
	if err != nil {
		return Answer{}, t.failure(req.Context(), err)
	}
	defer resp.Body.Close()
	a := Answer{Status: resp.StatusCode, Header: resp.Header, RetryAfter: retryAfter(resp.Header)}
	if a.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody)); err != nil {
		return a, t.failure(req.Context(), err)
	}
	return a, nil
}

// check refuses requests that net/http would refuse as well, but with an error that looks like a lost response.
func check(req *http.Request) error {
	if err := req.Context().Err(); err != nil {
		return &channel.Error{Kind: channel.Temporary, Err: fmt.Errorf("not sent: %w", err)}
	}
	if !reachable(req.URL) {
		return &channel.Error{Kind: channel.Misconfigured, Err: errors.New("the URL must be an absolute http or https URL")}
	}
	for name, values := range req.Header {
		if name == "" || strings.ContainsFunc(name, notInName) {
			return &channel.Error{Kind: channel.Misconfigured, Err: errors.New("the name of every header must be a valid token")}
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
				return &channel.Error{Kind: channel.Rejected, Err: fmt.Errorf("header %q must not contain a line break or another control character", name)}
			}
		}
	}
	return nil
}

// notInName reports whether c is no part of a token (RFC 9110, section 5.6.2).
func notInName(c rune) bool {
	return c <= ' ' || c > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
}

// unrepeatable keeps net/http from repeating a GET: it replaces req's body by an empty one that net/http cannot rewind.
func unrepeatable(req *http.Request) *http.Request {
	if req.Method == http.MethodGet || req.Method == "" {
		req.GetBody = nil
		if req.Body == nil || req.Body == http.NoBody {
			req.Body = io.NopCloser(strings.NewReader(""))
		}
	}
	return req
}

// A trace records the progress of a request: the transport asked for a connection, and got one.
type trace struct{ asked, connected atomic.Bool }

func (t *trace) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.connected.Store(true) },
	})
}

// failure classifies err. A request without a connection was not sent. A trace without a connection is no proof by itself, because a
// custom RoundTripper may not support tracing. It is one if the transport was seen to ask for a connection, or if err is a dial error.
func (t *trace) failure(ctx context.Context, err error) error {
	var op *net.OpError
	dialed := errors.As(err, &op) && op.Op == "dial"
	unsent := !t.connected.Load() && (t.asked.Load() || dialed)

	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &cert):
		return &channel.Error{Kind: channel.Misconfigured, Err: cert}
	case unsent:
		return &channel.Error{Kind: channel.Temporary, Err: fmt.Errorf("no connection: %w", cause(ctx, err))}
	default:
		return &channel.Error{Kind: channel.Uncertain, Err: fmt.Errorf("no complete response: %w", cause(ctx, err))}
	}
}

// cause returns the part of err that is safe to report. It passes only errors whose texts are known to be harmless. A *url.Error
// contains the URL, and net/http quotes a malformed response, which may echo the request.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err() // rather than net/http's context.Cause, which can have any text
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op
	}
	for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, io.EOF} {
		if errors.Is(err, known) {
			return known
		}
	}
	return errors.New("HTTP request failed")
}
