// Package email sends mail over SMTP: one mail per delivery, to one recipient, without Cc or Bcc.
//
// A mail carries several forms of the content. HTML and plain text become a multipart/alternative. The plain text is Text, or else the
// source of Markdown. URL is appended to the plain text, unless the text already contains the URL. Title is the subject. In a mail
// with HTML, attachments with a ContentID are inline, for <img src="cid:…">; without HTML they are attached like all others. [Extra]
// adds header fields and other settings of a single mail.
//
// Every mail is marked Auto-Submitted: auto-generated (RFC 3834), so that vacation responders do not reply. The Message-ID is derived
// from Delivery.ID and therefore the same on every attempt. Without Delivery.ID, each attempt has a random Message-ID.
//
// Idle connections are reused until [Options].IdleTimeout, so most mails of a burst need no greeting and no TLS handshake.
package email

import (
	"context"
	"errors"
	"io"
	"net"
	netmail "net/mail"
	"strconv"
	"time"

	mail "github.com/wneessen/go-mail"

	"github.com/e7ddda3c/notify/channel"
)

// sessionTimeout limits the setup of a connection, and the sending of one mail, when the caller's context has no deadline (RFC 5321,
// section 4.5.3.2).
const sessionTimeout = 10 * time.Minute

// A Channel sends mail through one SMTP server. It is safe for use by many goroutines at once.
type Channel struct {
	host, address string // address: host and port
	from          *netmail.Address
	replyTo       *netmail.Address // nil without a Reply-To
	signer        Signer           // nil without DKIM
	o             Options
	mailer        *mail.Client // sends over the connections of pool
	pool          *pool
	fault         error // the first fault of the configuration
}

var (
	_ channel.Channel    = (*Channel)(nil)
	_ channel.Configured = (*Channel)(nil)
	_ channel.Validator  = (*Channel)(nil)
	_ channel.Addresser  = (*Channel)(nil)
	_ channel.Limiter    = (*Channel)(nil)
	_ io.Closer          = (*Channel)(nil)
)

// New returns a channel that sends through the SMTP server host. from is the sender, such as "Shop <shop@example.com>". The channel
// connects on the first Send. [Channel.Valid] reports a faulty configuration, and [Channel.Close] closes the idle connections.
func New(host, from string, o *Options) *Channel {
	c := &Channel{host: host, o: o.resolve(host)}
	c.address = net.JoinHostPort(host, strconv.Itoa(c.o.Port))
	c.pool = newPool(c.o.Pool, c.o.IdleTimeout)
	c.fault = c.configure(from)
	return c
}

// Send makes one attempt to hand d to the server. The server's reply, or its absence, decides the kind of an error:
//
//   - Temporary: the server refuses for now, or the connection broke before the mail was sent completely.
//   - RateLimited: the server throttles this account or host.
//   - InvalidRecipient: the mailbox does not exist.
//   - Unreachable: the mailbox is full.
//   - Rejected: the server refuses the content or the size of the mail, or refuses by policy.
//   - Misconfigured: the certificate is not trusted, the login or the sender is refused, or STARTTLS is missing.
//   - Uncertain: the mail was sent completely, and no valid reply followed.
//
// RetryAfter is the wait that the reply asks for, at most a day. Without one, RetryAfter is 5 minutes for greylisting, a minute for a
// throttle and an hour for a daily quota.
//
// Error texts and [channel.Error].Code quote the codes of a reply but not its text, because servers repeat addresses and content there.
// The receipt's ID is the server's queue id, or "" if the reply names none.
//
// While all connections are in use, Send waits for one. When ctx ends, Send closes its connection and returns.
func (c *Channel) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	l, err := c.compose(d, time.Now())
	if err != nil {
		return channel.Receipt{}, err
	}
	if err := c.deliver(ctx, l); err != nil {
		return channel.Receipt{}, err
	}
	id := queueID(l.msg.ServerResponse())
	return channel.Receipt{DeliveryID: d.ID, Provider: "smtp", ID: id, Event: channel.Sent, At: time.Now()}, nil
}

// Valid returns the first fault of host, from and [Options].
func (c *Channel) Valid() error { return c.fault }

// Validate checks the address, [Extra], all other values that become header fields, and the estimated size of the mail. The address is
// bare, such as ann@example.com: without a display name, and of at most 254 bytes.
func (c *Channel) Validate(d channel.Delivery) error {
	if c.fault != nil {
		return c.fault
	}
	_, err := c.parse(d)
	return err
}

// AddressKind returns [channel.Email].
func (c *Channel) AddressKind() string { return channel.Email }

// Limits returns [Options].Pool as the Concurrency.
func (c *Channel) Limits() channel.Limits { return channel.Limits{Concurrency: c.o.Pool} }

// Close ends the sessions on idle connections by QUIT, within a second. A Send in flight finishes; later calls of Send fail as
// Temporary.
func (c *Channel) Close() error {
	c.pool.close()
	return nil
}

// deliver sends l over an idle connection or a new one.
//
// An idle connection may be broken, or the server may have ended the session. Both show at MAIL, when nothing of l was sent, so the
// attempt continues over a new connection.
func (c *Channel) deliver(ctx context.Context, l *letter) error {
	if err := c.pool.acquire(ctx); err != nil {
		return err
	}
	defer c.pool.release()
	if idle := c.pool.take(); idle != nil {
		if err := c.transmit(ctx, idle, l); !errors.Is(err, errStale) {
			return err
		}
	}
	fresh, err := c.dial(ctx)
	if err != nil {
		return err
	}
	return c.transmit(ctx, fresh, l)
}

// transmit sends l over cn, and then returns cn to the pool or closes the connection.
func (c *Channel) transmit(ctx context.Context, cn *conn, l *letter) error {
	stop := context.AfterFunc(ctx, cn.abort)
	reusable, err := cn.send(ctx, c.mailer, l)
	if stop() && reusable {
		c.pool.put(cn)
	} else {
		cn.abort()
	}
	return err
}
