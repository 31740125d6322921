package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"

	"github.com/e7ddda3c/notify/channel"
)

// fail returns an error whose text starts with the package's name.
func fail(kind channel.Kind, field, format string, a ...any) *channel.Error {
	return &channel.Error{Kind: kind, Field: field, Err: fmt.Errorf("email: "+format, a...)}
}

// notSent returns the error for a ctx that ended before anything of the mail was sent.
func notSent(ctx context.Context) error {
	return fail(channel.Temporary, "", "nothing was sent: %w", ctx.Err())
}

// noReply returns the error for a connection that broke before the reply at s.
func noReply(ctx context.Context, kind channel.Kind, s step) error {
	if ctx.Err() != nil {
		return fail(kind, "", "no reply to %s: %w", s, ctx.Err())
	}
	return fail(kind, "", "no reply to %s: the connection broke", s)
}

// setupError classifies an error from the setup of a connection, when nothing of the mail has been sent.
func setupError(ctx context.Context, s step, err error) error {
	r, refused := replyOf(err)
	switch {
	case refused:
		return r.error(s)
	case ctx.Err() != nil:
		return notSent(ctx)
	case malformed(err): // the text of err quotes the server
		return fail(channel.Temporary, "", "%s failed: the server's reply is not SMTP", s)
	case s == atTLS && !isNetwork(err):
		return fail(channel.Misconfigured, "", "%s failed: %w", s, err)
	case s == atAuth && !isNetwork(err): // this text may quote the server, too
		return fail(channel.Misconfigured, "", "%s failed: the server's challenge is invalid", s)
	default:
		return fail(channel.Temporary, "", "%s failed: %w", s, err)
	}
}

// malformed reports whether err is about a malformed or unexpected reply.
func malformed(err error) bool {
	var form textproto.ProtocolError
	var code *textproto.Error
	return errors.As(err, &form) || errors.As(err, &code)
}

// isNetwork reports whether err is a network error. A TLS alert has the type of a network error, and is not one.
func isNetwork(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") {
		return false
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return false
	}
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
