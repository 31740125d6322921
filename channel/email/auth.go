package email

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/e7ddda3c/notify/channel"
)

// Auth is a mechanism to log in with (RFC 4954).
type Auth string

// The mechanisms. PLAIN, LOGIN and XOAUTH2 show the secret to the server, and to whoever listens: see [Options].ClearTextAuth. The
// others prove that the channel knows it.
const (
	// AuthAuto takes the first of SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, PLAIN and LOGIN that the server offers and that may be
	// used on the connection.
	AuthAuto Auth = ""

	AuthPlain           Auth = "PLAIN"
	AuthLogin           Auth = "LOGIN"
	AuthCRAMMD5         Auth = "CRAM-MD5"
	AuthSCRAMSHA1       Auth = "SCRAM-SHA-1"
	AuthSCRAMSHA256     Auth = "SCRAM-SHA-256"
	AuthSCRAMSHA1Plus   Auth = "SCRAM-SHA-1-PLUS" // PLUS: bound to the TLS connection
	AuthSCRAMSHA256Plus Auth = "SCRAM-SHA-256-PLUS"
	AuthXOAUTH2         Auth = "XOAUTH2" // by an OAuth 2.0 access token: see Options.Token
)

func (a Auth) known() bool {
	switch a {
	case AuthAuto, AuthPlain, AuthLogin, AuthCRAMMD5, AuthSCRAMSHA1, AuthSCRAMSHA256,
		AuthSCRAMSHA1Plus, AuthSCRAMSHA256Plus, AuthXOAUTH2:
		return true
	}
	return false
}

// shows reports whether whoever listens learns the secret.
func (a Auth) shows() bool { return a == AuthPlain || a == AuthLogin || a == AuthXOAUTH2 }

// local reports whether host is this machine, as go-mail has it.
func local(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// login logs in at the server s, if there is a Username.
func (c *Channel) login(ctx context.Context, s *smtp.Client) error {
	if c.o.Username == "" {
		return nil
	}
	state, encrypted := s.TLSConnectionState()
	mechanism, err := c.mechanism(s, encrypted)
	if err != nil {
		return err
	}
	secret := c.o.Password
	if c.o.Token != nil {
		if secret, err = c.o.Token(ctx); err != nil {
			return fail(tokenKind(err), "", "no token: %w", err)
		}
	}
	if err := s.Auth(c.credentials(mechanism, secret, &state)); err != nil {
		return setupError(ctx, atAuth, err)
	}
	return nil
}

// mechanism picks the one that is wanted from what the server offers.
func (c *Channel) mechanism(s *smtp.Client, encrypted bool) (Auth, error) {
	wanted := []Auth{c.o.Auth}
	if c.o.Auth == AuthAuto {
		wanted = []Auth{AuthSCRAMSHA256, AuthSCRAMSHA1, AuthCRAMMD5, AuthPlain, AuthLogin}
	}
	_, list := s.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(list))
	open := encrypted || c.o.ClearTextAuth || local(c.host)
	err := errors.New("the server does not offer the login that is wanted")
	for _, a := range wanted {
		switch {
		case !slices.Contains(offered, string(a)):
		case a.shows() && !open:
			err = errors.New("without TLS a login would show the password")
		default:
			return a, nil
		}
	}
	return "", fail(channel.Misconfigured, "", "%w", err)
}

func (c *Channel) credentials(a Auth, secret string, state *tls.ConnectionState) smtp.Auth {
	switch a {
	case AuthLogin:
		return smtp.LoginAuth(c.o.Username, secret, c.host, c.o.ClearTextAuth)
	case AuthCRAMMD5:
		return smtp.CRAMMD5Auth(c.o.Username, secret)
	case AuthSCRAMSHA1:
		return smtp.ScramSHA1Auth(c.o.Username, secret)
	case AuthSCRAMSHA256:
		return smtp.ScramSHA256Auth(c.o.Username, secret)
	case AuthSCRAMSHA1Plus:
		return smtp.ScramSHA1PlusAuth(c.o.Username, secret, state)
	case AuthSCRAMSHA256Plus:
		return smtp.ScramSHA256PlusAuth(c.o.Username, secret, state)
	case AuthXOAUTH2:
		return smtp.XOAuth2Auth(c.o.Username, secret)
	default:
		return smtp.PlainAuth("", c.o.Username, secret, c.host, c.o.ClearTextAuth)
	}
}

// tokenKind keeps a kind that the host's own function gives. Without one, nothing was sent and the next attempt may fare better.
func tokenKind(err error) channel.Kind {
	var e *channel.Error
	if errors.As(err, &e) && e.Kind != channel.Unknown {
		return e.Kind
	}
	return channel.Temporary
}
