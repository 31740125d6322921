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

// fail returns an error of this package.
func fail(kind channel.Kind, field, format string, a ...any) *channel.Error {
	return &channel.Error{Kind: kind, Field: field, Err: fmt.Errorf("email: "+format, a...)}
}

// notSent says that ctx ended before the mail was under way.
func notSent(ctx context.Context) error {
	return fail(channel.Temporary, "", "nothing was sent: %w", ctx.Err())
}

// lost says that the connection broke at s, where no answer came any more.
func lost(ctx context.Context, kind channel.Kind, s step) error {
	if ctx.Err() != nil {
		return fail(kind, "", "no answer to %s: %w", s, ctx.Err())
	}
	return fail(kind, "", "no answer to %s: the connection broke", s)
}

// setupError says what err means before there was a mail. Nothing was sent, whatever it is.
func setupError(ctx context.Context, s step, err error) error {
	r, refused := replyOf(err)
	switch {
	case refused:
		return r.error(s)
	case ctx.Err() != nil:
		return notSent(ctx)
	case garbled(err): // its text holds what the server said
		return fail(channel.Temporary, "", "the server does not speak SMTP at %s", s)
	case s == atTLS && !broken(err):
		return fail(channel.Misconfigured, "", "no TLS: %w", err)
	case s == atAuth && !broken(err):
		return fail(channel.Misconfigured, "", "the server's part of the login was not understood")
	default:
		return fail(channel.Temporary, "", "no session at %s: %w", s, err)
	}
}

// garbled reports whether err is about a reply of the wrong form.
func garbled(err error) bool {
	var form textproto.ProtocolError
	var code *textproto.Error
	return errors.As(err, &form) || errors.As(err, &code)
}

// broken reports whether err is of the network. A TLS alert looks like such an error but is none.
func broken(err error) bool {
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
