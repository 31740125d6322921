package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	mail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/e7ddda3c/notify/channel"
)

// errStale reports that a reused connection is no longer usable and that nothing was sent.
var errStale = errors.New("email: the connection is stale")

// maxReplies is the maximum size in bytes of all replies to one mail, or of those before the first mail. The line readers of the SMTP
// client have no limit.
const maxReplies = 1 << 20

var errTooLong = fmt.Errorf("the server's replies are too long: %w", io.ErrUnexpectedEOF)

// A conn is an SMTP session that is ready to send mail. One goroutine uses it at a time.
type conn struct {
	smtp      *smtp.Client
	wire      *wire
	reused    bool
	idleSince time.Time // set when the connection returns to the pool
}

// A wire is the network connection below TLS.
//
// torn reports that a write failed before the server's reply was read, so the mail was not sent completely. A write that fails later
// does not count: TLS is then sending an alert about a reply that it cannot decrypt, and the mail is already complete.
type wire struct {
	net.Conn
	failed, torn bool
	left         int // bytes that the server may still send, of maxReplies
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.failed = w.failed || err != nil
	return n, err
}

func (w *wire) Read(b []byte) (int, error) {
	w.torn = w.failed
	if w.left <= 0 {
		return 0, errTooLong
	}
	n, err := w.Conn.Read(b)
	w.left -= n
	return n, err
}

// dial connects and starts a session. When ctx ends, dial closes the connection, so that a silent server cannot delay it.
func (c *Channel) dial(ctx context.Context) (*conn, error) {
	raw, err := c.o.Dial(ctx, "tcp", c.address)
	if err != nil {
		return nil, setupError(ctx, atDial, err)
	}
	cn := &conn{wire: &wire{Conn: raw, left: maxReplies}}
	stop := context.AfterFunc(ctx, cn.abort)
	cn.smtp, err = c.startSession(ctx, cn.wire)
	if !stop() && err == nil {
		err = notSent(ctx)
	}
	if err != nil {
		cn.abort()
		return nil, err
	}
	return cn, nil
}

// startSession starts an SMTP session on w, with TLS and authentication.
func (c *Channel) startSession(ctx context.Context, w net.Conn) (*smtp.Client, error) {
	if err := w.SetDeadline(time.Now().Add(sessionTimeout)); err != nil {
		return nil, setupError(ctx, atDial, err)
	}
	if c.o.TLS == TLSImplicit {
		t := tls.Client(w, c.o.TLSConfig)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, setupError(ctx, atTLS, err)
		}
		w = t
	}
	s, err := smtp.NewClient(w, c.host)
	if err != nil {
		return nil, setupError(ctx, atGreeting, err)
	}
	if err := s.Hello(c.o.HELO); err != nil {
		return nil, setupError(ctx, atGreeting, err)
	}
	if err := c.encrypt(ctx, s); err != nil {
		return nil, err
	}
	return s, c.login(ctx, s)
}

// encrypt upgrades the session by STARTTLS, if Options.TLS asks for that.
func (c *Channel) encrypt(ctx context.Context, s *smtp.Client) error {
	if c.o.TLS != TLSMandatory && c.o.TLS != TLSOpportunistic {
		return nil
	}
	offered, _ := s.Extension("STARTTLS")
	if !offered && c.o.TLS == TLSMandatory {
		return fail(channel.Misconfigured, "", "the server does not offer STARTTLS")
	}
	if !offered {
		return nil
	}
	if err := s.StartTLS(c.o.TLSConfig); err != nil {
		return setupError(ctx, atTLS, err)
	}
	return nil
}

// send sends l and reports whether the connection can be reused.
func (cn *conn) send(ctx context.Context, m *mail.Client, l *letter) (reusable bool, err error) {
	if err := cn.check(l); err != nil {
		return true, err
	}
	cn.wire.left = maxReplies
	cn.smtp.SkipSMTPUTF8(ascii(l.to.Address))
	err = m.SendWithSMTPClient(cn.smtp, l.msg)
	if l.msg.IsDelivered() {
		return err == nil, nil
	}
	s := stepOf(err)
	r, refused := replyOf(err)
	switch {
	case cn.reused && s == atMail && (!refused || r.code == 421 || r.code == 503) && ctx.Err() == nil:
		return false, errStale // broken, closed by the server, or still within the previous mail because its RSET failed
	case refused:
		return s != atData, r.error(s) // go-mail sends no RSET after a refused DATA: the server may keep the recipient
	case s == atDot && !cn.wire.torn:
		return false, noReply(ctx, channel.Uncertain, s)
	default:
		return false, noReply(ctx, channel.Temporary, s)
	}
}

// check checks l against the extensions that the server announced.
func (cn *conn) check(l *letter) error {
	if utf8, _ := cn.smtp.Extension("SMTPUTF8"); !utf8 && !ascii(l.to.Address) {
		return fail(channel.Rejected, "to", "must be ASCII, because the server does not support SMTPUTF8; the ASCII form of a domain is xn--…")
	}
	_, size := cn.smtp.Extension("SIZE")
	if limit, err := strconv.Atoi(size); err == nil && limit > 0 && l.size > limit {
		return fail(channel.Rejected, "", "the mail must not be larger than the server's limit of %d bytes, and has about %d", limit, l.size)
	}
	return nil
}

// abort closes the connection without QUIT.
func (cn *conn) abort() { _ = cn.wire.Close() }

// quit ends the session by QUIT and closes the connection, within a second.
func (cn *conn) quit() {
	_ = cn.wire.SetDeadline(time.Now().Add(time.Second))
	_ = cn.smtp.Quit()
	cn.abort()
}
