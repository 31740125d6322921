// Package httpsend makes one HTTP attempt for a driver and says truthfully what became of it: [Do] reads a bounded answer or tells
// from the failure whether the request can have left. What a vendor's answer means is for the driver to say; [Answer.Kind] helps
// where there is nothing but a status.
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

// maxBody is where an answer's body is cut off, in bytes, after decompression.
const maxBody = 1 << 20

// Do sends req once with c, or with [http.DefaultClient] if c is nil, and reads the answer, whatever its status. It follows no
// redirect, even if c would. The deadline is that of req's context.
//
// An error is a [*channel.Error] that names no URL, no header value and nothing that the peer said:
//
//   - Misconfigured: the URL is none to send to, the name of a header is none, or the server's certificate does not verify.
//   - Rejected: a header holds a line break or other control character. Nothing was sent.
//   - Temporary: there was no connection (refused, unknown host, failed handshake), so nothing was sent. So it is if the context
//     ended before there was one.
//   - Uncertain: there was a connection and then no whole answer. The Answer holds the status if that much was read.
//
// If req's context has ended, the error wraps what its Err returns.
//
// net/http sends a request again by itself when a kept connection turns out to be dead. It does so for a POST only if the server cannot
// have seen the first, or if there is an Idempotency-Key header; Do keeps it from doing so for a GET.
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

// check refuses what net/http would refuse too, but with an error that cannot be told from a lost answer.
func check(req *http.Request) error {
	if err := req.Context().Err(); err != nil {
		return &channel.Error{Kind: channel.Temporary, Err: fmt.Errorf("not sent: %w", err)}
	}
	if s := req.URL.Scheme; s != "http" && s != "https" || req.URL.Host == "" {
		return &channel.Error{Kind: channel.Misconfigured, Err: errors.New("the URL is not one of HTTP or HTTPS with a host")}
	}
	for name, values := range req.Header {
		if name == "" || strings.ContainsFunc(name, notInName) {
			return &channel.Error{Kind: channel.Misconfigured, Err: errors.New("the name of a header is none")}
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
				return &channel.Error{Kind: channel.Rejected, Err: fmt.Errorf("header %q holds a line break or other control character", name)}
			}
		}
	}
	return nil
}

// notInName is what no token of RFC 9110, section 5.6.2, holds.
func notInName(c rune) bool {
	return c <= ' ' || c > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
}

// unrepeatable changes req so that net/http does not take a GET for harmless to repeat: it has an empty body that cannot be had again.
func unrepeatable(req *http.Request) *http.Request {
	if req.Method == http.MethodGet || req.Method == "" {
		req.GetBody = nil
		if req.Body == nil || req.Body == http.NoBody {
			req.Body = io.NopCloser(strings.NewReader(""))
		}
	}
	return req
}

// A trace knows how far a request came.
type trace struct{ asked, connected atomic.Bool }

func (t *trace) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.connected.Store(true) },
	})
}

// failure classifies err. Without a connection nothing can have left; but that a connection was asked for must have been seen,
// because a RoundTripper of the host's own may not trace at all.
func (t *trace) failure(ctx context.Context, err error) error {
	var op *net.OpError
	dialled := errors.As(err, &op) && op.Op == "dial"
	unsent := !t.connected.Load() && (t.asked.Load() || dialled)

	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &cert):
		return &channel.Error{Kind: channel.Misconfigured, Err: cert}
	case unsent:
		return &channel.Error{Kind: channel.Temporary, Err: fmt.Errorf("no connection: %w", cause(ctx, err))}
	default:
		return &channel.Error{Kind: channel.Uncertain, Err: fmt.Errorf("no answer: %w", cause(ctx, err))}
	}
}

// cause returns what may be told of err. Only causes whose text is known to be harmless pass: a *url.Error prints the URL, and net/http's
// complaint about an answer quotes it, which may echo the request.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err() // net/http returns the context's cause instead
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
	return errors.New("HTTP failed")
}
