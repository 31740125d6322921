package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"

	"github.com/e7ddda3c/notify/channel"
)

// Auth is an authentication mechanism of SMTP (RFC 4954).
type Auth string

// The mechanisms. PLAIN, LOGIN and XOAUTH2 reveal the secret to the server, and without TLS to eavesdroppers too: see
// [Options].ClearTextAuth. The other mechanisms prove knowledge of the secret without revealing it.
const (
	// AuthAuto selects the first of SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, PLAIN and LOGIN that the server offers. PLAIN and LOGIN are
	// candidates only over TLS, on localhost or with [Options].ClearTextAuth.
	AuthAuto Auth = ""

	AuthPlain           Auth = "PLAIN"
	AuthLogin           Auth = "LOGIN"
	AuthCRAMMD5         Auth = "CRAM-MD5"
	AuthSCRAMSHA1       Auth = "SCRAM-SHA-1"
	AuthSCRAMSHA256     Auth = "SCRAM-SHA-256"
	AuthSCRAMSHA1Plus   Auth = "SCRAM-SHA-1-PLUS" // PLUS: with channel binding to TLS
	AuthSCRAMSHA256Plus Auth = "SCRAM-SHA-256-PLUS"
	AuthXOAUTH2         Auth = "XOAUTH2" // with an OAuth 2.0 access token: see Options.Token
)

func (a Auth) known() bool {
	switch a {
	case AuthAuto, AuthPlain, AuthLogin, AuthCRAMMD5, AuthSCRAMSHA1, AuthSCRAMSHA256,
		AuthSCRAMSHA1Plus, AuthSCRAMSHA256Plus, AuthXOAUTH2:
		return true
	}
	return false
}

// revealsSecret reports whether an eavesdropper on an unencrypted connection learns the secret.
func (a Auth) revealsSecret() bool { return a == AuthPlain || a == AuthLogin || a == AuthXOAUTH2 }

// isLocal reports whether host is this machine, by the same names as in go-mail.
func isLocal(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// login authenticates to the server, if there is a Username.
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
			return fail(tokenKind(err), "", "Token failed: %w", err)
		}
	}
	if err := s.Auth(c.credentials(mechanism, secret, &state)); err != nil {
		return setupError(ctx, atAuth, err)
	}
	return nil
}

// mechanism returns the first allowed mechanism that the server offers.
func (c *Channel) mechanism(s *smtp.Client, encrypted bool) (Auth, error) {
	allowed := []Auth{c.o.Auth}
	if c.o.Auth == AuthAuto {
		allowed = []Auth{AuthSCRAMSHA256, AuthSCRAMSHA1, AuthCRAMMD5, AuthPlain, AuthLogin}
	}
	_, list := s.Extension("AUTH")
	offered := strings.Fields(strings.ToUpper(list))
	mayReveal := encrypted || c.o.ClearTextAuth || isLocal(c.host)
	err := errors.New("the server offers no authentication mechanism that Auth allows")
	for _, a := range allowed {
		switch {
		case !slices.Contains(offered, string(a)):
		case a.revealsSecret() && !mayReveal:
			err = fmt.Errorf("authentication by %s requires TLS or ClearTextAuth", a)
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

// tokenKind returns the kind of an error from Options.Token. An unclassified error is Temporary: nothing was sent, and the next
// attempt may succeed.
func tokenKind(err error) channel.Kind {
	var e *channel.Error
	if errors.As(err, &e) && e.Kind != channel.Unknown {
		return e.Kind
	}
	return channel.Temporary
}
