// Package email sends mail over SMTP: one mail for each delivery, to one recipient, without Cc or Bcc.
//
// Of the content it takes all forms that a mail can carry at once. HTML and plain text make a multipart/alternative; the plain
// text is Text, or else Markdown as it is written. URL is added under the plain text unless it stands in it already. Title is the
// subject. Attachments with a ContentID are shown inline where the HTML says <img src="cid:…">; without HTML they are attached
// like the others. [Extra] holds what is a mail's own.
//
// Every mail is marked Auto-Submitted: auto-generated (RFC 3834), so that vacation notes do not answer it, and its Message-ID is
// made of Delivery.ID, so that it is the same on every attempt.
//
// Connections are kept for a while, so a burst of mails pays for one greeting and one TLS handshake.
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

// patience bounds one conversation for callers that set no deadline (RFC 5321, section 4.5.3.2).
const patience = 10 * time.Minute

// A Channel sends mail through one SMTP server. It is safe for use by many goroutines at once.
type Channel struct {
	host, address string // address: host and port
	from          *netmail.Address
	replyTo       *netmail.Address // nil for none
	signer        Signer           // nil: the mail server may sign
	o             Options
	mailer        *mail.Client // sends over the connections of pool; it has none of its own
	pool          *pool
	fault         error // of the configuration
}

var (
	_ channel.Channel    = (*Channel)(nil)
	_ channel.Configured = (*Channel)(nil)
	_ channel.Validator  = (*Channel)(nil)
	_ channel.Addresser  = (*Channel)(nil)
	_ channel.Limiter    = (*Channel)(nil)
	_ io.Closer          = (*Channel)(nil)
)

// New returns a channel that sends through the SMTP server host, in the name of the mailbox from, such as
// "Shop <shop@example.com>". It connects when there is something to send. Close it to close the connections that it keeps.
func New(host, from string, o *Options) *Channel {
	c := &Channel{host: host, o: o.resolve(host)}
	c.address = net.JoinHostPort(host, strconv.Itoa(c.o.Port))
	c.pool = newPool(c.o.Pool, c.o.IdleTimeout)
	c.fault = c.configure(from)
	return c
}

// Send hands d to the server. Its errors are classified by the server's reply codes:
//
//   - Temporary: the server cannot now, or the connection broke before the mail was complete. Greylisting brings a RetryAfter.
//   - RateLimited: the server throttles this account or host.
//   - InvalidRecipient: there is no such mailbox. Unreachable: the mailbox is full.
//   - Rejected: the mail was refused for its content, its size or a policy.
//   - Misconfigured: the certificate, the login or the sender was refused, or there is no STARTTLS.
//   - Uncertain: the mail was handed over whole and the answer was lost.
//
// Error texts hold reply codes and nothing else of what the server said, because servers repeat addresses and content. The
// receipt's ID is the server's queue id, if the server names it.
//
// If all connections are in use, Send waits for one. If ctx ends, Send closes its connection and returns.
func (c *Channel) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	l, err := c.write(d, time.Now())
	if err != nil {
		return channel.Receipt{}, err
	}
	if err := c.deliver(ctx, l); err != nil {
		return channel.Receipt{}, err
	}
	id := queueID(l.msg.ServerResponse())
	return channel.Receipt{DeliveryID: d.ID, Provider: "smtp", ID: id, Event: channel.Sent, At: time.Now()}, nil
}

// Valid checks host, from and Options.
func (c *Channel) Valid() error { return c.fault }

// Validate checks the address, which is a bare mailbox such as ann@example.com, what goes into headers, Extra, and the size.
func (c *Channel) Validate(d channel.Delivery) error {
	if c.fault != nil {
		return c.fault
	}
	_, err := c.read(d)
	return err
}

// AddressKind returns [channel.Email].
func (c *Channel) AddressKind() string { return channel.Email }

// Limits returns the number of connections as the concurrency.
func (c *Channel) Limits() channel.Limits { return channel.Limits{Concurrency: c.o.Pool} }

// Close says goodbye on the connections that are kept, and waits a second at most. A Send that is under way finishes; later ones
// fail as Temporary.
func (c *Channel) Close() error {
	c.pool.close()
	return nil
}

// deliver sends l over a kept connection or a new one.
//
// A kept connection may have died meanwhile, or the server may have ended the session, which shows when MAIL is not taken.
// Nothing was sent then, and nobody failed: the attempt goes on over a new connection.
func (c *Channel) deliver(ctx context.Context, l *letter) error {
	if err := c.pool.acquire(ctx); err != nil {
		return err
	}
	defer c.pool.release()
	if kept := c.pool.take(); kept != nil {
		if err := c.transmit(ctx, kept, l); !errors.Is(err, errStale) {
			return err
		}
	}
	fresh, err := c.dial(ctx)
	if err != nil {
		return err
	}
	return c.transmit(ctx, fresh, l)
}

// transmit sends l over cn and keeps cn for the next mail, if it is still good.
func (c *Channel) transmit(ctx context.Context, cn *conn, l *letter) error {
	stop := context.AfterFunc(ctx, cn.cut)
	good, err := cn.send(ctx, c.mailer, l)
	if stop() && good {
		c.pool.put(cn)
	} else {
		cn.cut()
	}
	return err
}
