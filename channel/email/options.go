package email

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strings"
	"time"
	"unicode"

	mail "github.com/wneessen/go-mail"

	"github.com/e7ddda3c/notify/channel"
)

// A Signer signs mails; [DKIM] does. It is an interface so that programs that do not sign carry no code that does.
type Signer interface {
	of(domain string) (Signer, error)
	sign(m *mail.Msg, now time.Time) error
}

// Options configures a [Channel]. A nil *Options means all defaults.
type Options struct {
	// Port defaults to 587. On port 465, TLSMandatory means TLSImplicit.
	Port int
	// TLS says how connections are encrypted. Defaults to TLSMandatory.
	TLS TLS
	// TLSConfig is used for TLS; the server name defaults to the host, and the lowest version to TLS 1.2.
	TLSConfig *tls.Config

	// Username and Password log in at the server. Without a Username there is no login.
	Username, Password string
	// Token, if set, is asked for the secret of each new connection instead of Password: for access tokens that expire. Its
	// error, if any, is wrapped in that of Send: it must hold no secret.
	Token func(context.Context) (string, error)
	// Auth is the mechanism to log in with. Defaults to the best that the server offers.
	Auth Auth
	// ClearTextAuth allows mechanisms that show the secret even where the connection is not encrypted. Without it that is
	// allowed on localhost only.
	ClearTextAuth bool

	// ReplyTo is the mailbox that answers go to. Defaults to the sender. See [Extra].
	ReplyTo string
	// Unsubscribe returns the https URL under which the recipient leaves the list with one click, or "" if the mail has none.
	// The mail then bears List-Unsubscribe and List-Unsubscribe-Post (RFC 8058), which a DKIM signature must cover: the mail server's
	// or that of DKIM. Mail programs unsubscribe by a POST of "List-Unsubscribe=One-Click" to the URL: it must tell list and recipient
	// without a cookie or a login, and not redirect; a GET must not unsubscribe. Large mailbox providers demand this of marketing
	// mail. Unsubscribe is called once in each Send, by many goroutines at once, and must not block.
	Unsubscribe func(channel.Delivery) string

	// DKIM, if set, signs every mail: a [*DKIM]. Without it that is left to the mail server.
	DKIM Signer

	// Pool is how many connections there are at most, and so how many mails are under way at once. Defaults to 4.
	Pool int
	// IdleTimeout is how long a connection is kept unused. Defaults to 30 seconds.
	IdleTimeout time.Duration
	// HELO is the name that the channel introduces itself with. Defaults to the machine's host name.
	HELO string
	// MaxSize is the size in bytes of the largest mail, encoded. Defaults to 25 MiB. Servers announce limits of their own,
	// which are kept too.
	MaxSize int
	// Dial opens connections. Defaults to the Dial of a [net.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// TLS says how connections are encrypted.
type TLS string

const (
	// TLSMandatory encrypts by STARTTLS and does not send to a server without it.
	TLSMandatory TLS = ""
	// TLSImplicit encrypts from the first byte, as servers on port 465 do.
	TLSImplicit TLS = "implicit"
	// TLSOpportunistic encrypts by STARTTLS if the server offers it. Whoever sits between can switch it off.
	TLSOpportunistic TLS = "opportunistic"
	// TLSNone does not encrypt: for a server on the same machine or network.
	TLSNone TLS = "none"
)

// resolve fills in the defaults.
func (o *Options) resolve(host string) Options {
	var r Options
	if o != nil {
		r = *o
	}
	r.Port = cmp.Or(r.Port, 587)
	if r.Port == 465 && r.TLS == TLSMandatory {
		r.TLS = TLSImplicit
	}
	r.TLSConfig = tlsConfig(r.TLSConfig, host)
	r.Pool = cmp.Or(r.Pool, 4)
	r.IdleTimeout = cmp.Or(r.IdleTimeout, 30*time.Second)
	if r.HELO == "" {
		r.HELO, _ = os.Hostname()
		r.HELO = cmp.Or(r.HELO, "localhost")
	}
	r.MaxSize = cmp.Or(r.MaxSize, 25<<20)
	if r.Dial == nil {
		r.Dial = new(net.Dialer).DialContext
	}
	return r
}

func tlsConfig(c *tls.Config, host string) *tls.Config {
	if c == nil {
		c = new(tls.Config)
	}
	c = c.Clone()
	c.ServerName = cmp.Or(c.ServerName, host)
	c.MinVersion = cmp.Or(c.MinVersion, tls.VersionTLS12)
	return c
}

// configure parses what has a form and returns the first fault.
func (c *Channel) configure(from string) error {
	err := c.o.check(c.host)
	if err == nil {
		c.from, err = sender("from", from)
	}
	if err == nil && c.o.ReplyTo != "" {
		c.replyTo, err = sender("ReplyTo", c.o.ReplyTo)
	}
	if err == nil && c.o.DKIM != nil {
		c.signer, err = c.o.DKIM.of(domainOf(c.from))
	}
	if err == nil {
		c.mailer, err = mail.NewClient(c.host, mail.WithTimeout(patience), mail.WithoutNoop(), mail.WithoutRset())
	}
	if err != nil {
		return fail(channel.Misconfigured, "", "%w", err)
	}
	return nil
}

func (o *Options) check(host string) error {
	switch {
	case host == "" || strings.ContainsFunc(host, notInHost) || strings.Contains(host, ":") && net.ParseIP(host) == nil:
		return errors.New("host is not the name of a server; its port is an option")
	case o.Port < 1 || o.Port > 65535:
		return fmt.Errorf("Port %d does not exist", o.Port)
	case o.TLS != TLSMandatory && o.TLS != TLSImplicit && o.TLS != TLSOpportunistic && o.TLS != TLSNone:
		return fmt.Errorf("TLS %q does not exist", o.TLS)
	case o.Pool < 0 || o.IdleTimeout < 0 || o.MaxSize < 0:
		return errors.New("Pool, IdleTimeout and MaxSize cannot be negative")
	case strings.ContainsFunc(o.HELO, notInHost):
		return errors.New("HELO is not a host name")
	}
	return o.checkLogin(host)
}

func (o *Options) checkLogin(host string) error {
	secret := o.Password != "" || o.Token != nil
	switch {
	case !o.Auth.known():
		return fmt.Errorf("Auth %q does not exist", o.Auth)
	case o.Username == "" && (secret || o.Auth != AuthAuto):
		return errors.New("a login needs a Username")
	case o.Username != "" && !secret:
		return errors.New("Username needs a Password or a Token")
	case o.TLS == TLSNone && o.Auth.shows() && !o.ClearTextAuth && !local(host):
		return fmt.Errorf("without TLS, Auth %s would show the password", o.Auth)
	}
	return nil
}

func notInHost(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '/' || r > unicode.MaxASCII
}

// sender parses a mailbox of our own, with or without a name. Its address is ASCII: one that is not could not be sent everywhere.
func sender(name, s string) (*netmail.Address, error) {
	a, err := netmail.ParseAddress(s)
	if err != nil || lineFault(s) != "" || len(s) > maxWord || lineFault(a.String()) != "" {
		return nil, fmt.Errorf("%s is not a mailbox such as Shop <shop@example.com>", name)
	}
	if !ascii(a.Address) {
		return nil, fmt.Errorf("%s has an address beyond ASCII; write its domain in the form xn--…", name)
	}
	return a, nil
}

// domainOf returns what stands behind the '@'; there may be another one in quotes before it.
func domainOf(a *netmail.Address) string { return a.Address[strings.LastIndexByte(a.Address, '@')+1:] }
