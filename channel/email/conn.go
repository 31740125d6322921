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

// errStale says that a kept connection did not take the mail and that nothing was sent.
var errStale = errors.New("email: the connection is stale")

// maxAnswers is how much a server may say to one mail, or before the first, in bytes. The readers of lines have no bound of their own.
const maxAnswers = 1 << 20

var errTooMuch = fmt.Errorf("the server says too much: %w", io.ErrUnexpectedEOF)

// A conn is a connection over which mail can be sent. One goroutine uses it at a time.
type conn struct {
	smtp   *smtp.Client
	wire   *wire
	reused bool
	since  time.Time // when it was last used
}

// A wire is what lies under TLS. It is torn if a write had failed when an answer was awaited, for then the end of what was written
// never left. A write that fails behind that is TLS's own, about an answer that it cannot read, and says nothing about the mail.
type wire struct {
	net.Conn
	failed, torn bool
	left         int // of maxAnswers
}

func (w *wire) Write(b []byte) (int, error) {
	n, err := w.Conn.Write(b)
	w.failed = w.failed || err != nil
	return n, err
}

func (w *wire) Read(b []byte) (int, error) {
	w.torn = w.failed
	if w.left <= 0 {
		return 0, errTooMuch
	}
	n, err := w.Conn.Read(b)
	w.left -= n
	return n, err
}

// dial connects, encrypts and logs in. When ctx ends it closes the connection, so that no silent server holds it up.
func (c *Channel) dial(ctx context.Context) (*conn, error) {
	raw, err := c.o.Dial(ctx, "tcp", c.address)
	if err != nil {
		return nil, setupError(ctx, atDial, err)
	}
	cn := &conn{wire: &wire{Conn: raw, left: maxAnswers}}
	stop := context.AfterFunc(ctx, cn.cut)
	cn.smtp, err = c.greet(ctx, cn.wire)
	if !stop() && err == nil {
		err = notSent(ctx)
	}
	if err != nil {
		cn.cut()
		return nil, err
	}
	return cn, nil
}

func (c *Channel) greet(ctx context.Context, w net.Conn) (*smtp.Client, error) {
	if err := w.SetDeadline(time.Now().Add(patience)); err != nil {
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

// encrypt turns TLS on by STARTTLS, if that is wanted.
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

// send sends l and tells whether the connection can be used again.
func (cn *conn) send(ctx context.Context, m *mail.Client, l *letter) (good bool, err error) {
	if err := cn.takes(l); err != nil {
		return true, err
	}
	cn.wire.left = maxAnswers
	cn.smtp.SkipSMTPUTF8(ascii(l.to.Address))
	err = m.SendWithSMTPClient(cn.smtp, l.msg)
	if l.msg.IsDelivered() {
		return err == nil, nil
	}
	s := stepOf(err)
	r, refused := replyOf(err)
	switch {
	case cn.reused && s == atMail && (!refused || r.code == 421 || r.code == 503) && ctx.Err() == nil:
		return false, errStale // cut, closed by the server, or left in the middle of a mail by a RSET that failed
	case refused:
		return s != atData, r.error(s) // go-mail sends no RSET there: the server may still hold the recipient
	case s == atDot && !cn.wire.torn:
		return false, lost(ctx, channel.Uncertain, s)
	default:
		return false, lost(ctx, channel.Temporary, s)
	}
}

// takes checks l against what the server announced.
func (cn *conn) takes(l *letter) error {
	if utf8, _ := cn.smtp.Extension("SMTPUTF8"); !utf8 && !ascii(l.to.Address) {
		return fail(channel.Rejected, "to", "the server takes no address beyond ASCII; a domain has an ASCII form, xn--…")
	}
	_, size := cn.smtp.Extension("SIZE")
	if most, err := strconv.Atoi(size); err == nil && most > 0 && l.size > most {
		return fail(channel.Rejected, "", "the mail has about %d bytes, the server takes %d", l.size, most)
	}
	return nil
}

// cut closes the connection at once.
func (cn *conn) cut() { _ = cn.wire.Close() }

// quit closes the connection politely, within a second.
func (cn *conn) quit() {
	_ = cn.wire.SetDeadline(time.Now().Add(time.Second))
	_ = cn.smtp.Quit()
	cn.cut()
}
