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

// A Signer signs mails. [DKIM] is the only implementation: the interface keeps the signing code out of programs that do not sign.
type Signer interface {
	forDomain(domain string) (Signer, error)
	sign(m *mail.Msg, now time.Time) error
}

// Options configures a [Channel]. A nil *Options means all defaults.
type Options struct {
	// Port is the TCP port of the server. Defaults to 587. On port 465, TLSMandatory means TLSImplicit.
	Port int
	// TLS selects the encryption of connections. Defaults to TLSMandatory.
	TLS TLS
	// TLSConfig configures TLS. The channel uses a copy, in which ServerName defaults to the host, and MinVersion to TLS 1.2.
	TLSConfig *tls.Config

	// Username and Password authenticate to the server. Without a Username, the channel does not authenticate.
	Username, Password string
	// Token, if set, returns the secret for each new connection, in place of Password: for access tokens that expire. Many goroutines
	// may call Token at once. Send wraps an error of Token, which must hold no secret, and keeps the [channel.Kind] of that error; an
	// unclassified error is Temporary.
	Token func(context.Context) (string, error)
	// Auth is the authentication mechanism. Defaults to AuthAuto.
	Auth Auth
	// ClearTextAuth permits mechanisms that reveal the secret on unencrypted connections to any host. By default, that is permitted
	// for localhost only.
	ClearTextAuth bool

	// ReplyTo is the mailbox for replies, with or without a name. Defaults to the sender. [Extra].ReplyTo overrides the option.
	ReplyTo string
	// Unsubscribe returns the https URL for unsubscribing with one click, of at most 900 ASCII characters, or "" for a mail without
	// such a URL. Each Send calls Unsubscribe once. Many goroutines may call it at once, and it must not block.
	//
	// The mail carries the URL in List-Unsubscribe, beside List-Unsubscribe-Post (RFC 8058). A DKIM signature must cover both fields:
	// the mail server's or that of DKIM. To unsubscribe, mail programs POST "List-Unsubscribe=One-Click" to the URL. The URL must
	// identify list and recipient without a cookie or a login, and must not redirect; a GET must not unsubscribe. Large mailbox
	// providers require all this of marketing mail.
	Unsubscribe func(channel.Delivery) string

	// DKIM, if set, signs every mail: a [*DKIM]. By default, signing is left to the mail server.
	DKIM Signer

	// Pool is the maximum number of connections, and therefore of mails in flight. Defaults to 4.
	Pool int
	// IdleTimeout is the time after which an idle connection is closed. Defaults to 30 seconds.
	IdleTimeout time.Duration
	// HELO is the host name that the channel sends in EHLO. Defaults to the machine's host name.
	HELO string
	// MaxSize is the maximum size of an encoded mail, in bytes. Defaults to 25 MiB. A smaller maximum that the server announces takes
	// precedence.
	MaxSize int
	// Dial opens connections. Defaults to the DialContext of a [net.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// TLS is a mode of encryption.
type TLS string

const (
	// TLSMandatory uses STARTTLS, and fails as Misconfigured if the server does not offer it.
	TLSMandatory TLS = ""
	// TLSImplicit encrypts from the first byte, as servers do on port 465.
	TLSImplicit TLS = "implicit"
	// TLSOpportunistic uses STARTTLS if the server offers it. An attacker on the network can suppress the offer.
	TLSOpportunistic TLS = "opportunistic"
	// TLSNone does not encrypt: for a server on the same machine or in a trusted network.
	TLSNone TLS = "none"
)

// resolve returns a copy of o with the defaults filled in.
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

// configure checks and parses the configuration, and returns the first fault.
func (c *Channel) configure(from string) error {
	err := c.o.check(c.host)
	if err == nil {
		c.from, err = sender("from", from)
	}
	if err == nil && c.o.ReplyTo != "" {
		c.replyTo, err = sender("ReplyTo", c.o.ReplyTo)
	}
	if err == nil && c.o.DKIM != nil {
		c.signer, err = c.o.DKIM.forDomain(domainOf(c.from))
	}
	if err == nil {
		c.mailer, err = mail.NewClient(c.host, mail.WithTimeout(sessionTimeout), mail.WithoutNoop(), mail.WithoutRset())
	}
	if err != nil {
		return fail(channel.Misconfigured, "", "%w", err)
	}
	return nil
}

func (o *Options) check(host string) error {
	switch {
	case host == "" || strings.ContainsFunc(host, notInHost) || strings.Contains(host, ":") && net.ParseIP(host) == nil:
		return errors.New("host must be a host name or an IP address, without a port")
	case o.Port < 1 || o.Port > 65535:
		return fmt.Errorf("Port must be between 1 and 65535, not %d", o.Port)
	case o.TLS != TLSMandatory && o.TLS != TLSImplicit && o.TLS != TLSOpportunistic && o.TLS != TLSNone:
		return fmt.Errorf("unknown TLS %q", o.TLS)
	case o.Pool < 0 || o.IdleTimeout < 0 || o.MaxSize < 0:
		return errors.New("Pool, IdleTimeout and MaxSize must not be negative")
	case strings.ContainsFunc(o.HELO, notInHost):
		return errors.New("HELO must be a host name")
	}
	return o.checkLogin(host)
}

func (o *Options) checkLogin(host string) error {
	secret := o.Password != "" || o.Token != nil
	switch {
	case !o.Auth.known():
		return fmt.Errorf("unknown Auth %q", o.Auth)
	case o.Username == "" && (secret || o.Auth != AuthAuto):
		return errors.New("Username is required with Password, Token or Auth")
	case o.Username != "" && !secret:
		return errors.New("Password or Token is required with Username")
	case o.TLS == TLSNone && o.Auth.revealsSecret() && !o.ClearTextAuth && !isLocal(host):
		return fmt.Errorf("authentication by %s requires TLS or ClearTextAuth", o.Auth)
	}
	return nil
}

func notInHost(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '/' || r > unicode.MaxASCII
}

// sender parses a mailbox for From or Reply-To, with or without a name. The address must be ASCII, because a server without SMTPUTF8
// could not send a mail with any other.
func sender(name, s string) (*netmail.Address, error) {
	a, err := netmail.ParseAddress(s)
	if err != nil || lineFault(s) != "" || len(s) > maxWord || lineFault(a.String()) != "" {
		return nil, fmt.Errorf("%s must be a mailbox such as Shop <shop@example.com>", name)
	}
	if !ascii(a.Address) {
		return nil, fmt.Errorf("%s must have an ASCII address; the ASCII form of a domain is xn--…", name)
	}
	return a, nil
}

// domainOf returns the part after the last '@'. A quoted local part may contain another '@'.
func domainOf(a *netmail.Address) string { return a.Address[strings.LastIndexByte(a.Address, '@')+1:] }
