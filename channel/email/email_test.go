package email_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

const from = "Shop <shop@example.com>"

func delivery() channel.Delivery {
	return channel.Delivery{ID: "d-7", To: "ann@example.com",
		Content: channel.Content{Title: "Your order is on its way", Text: "It arrives tomorrow before noon."}}
}

func login(o *email.Options) { o.Username, o.Password = user, password }

func TestSendsOneMailToOneRecipient(t *testing.T) {
	s := serve(t, nil)
	receipt, err := s.channel().Send(t.Context(), delivery())
	require.NoError(t, err)
	require.Equal(t, "d-7", receipt.DeliveryID)
	require.Equal(t, "4cZx2k0lqz", receipt.ID)
	require.Equal(t, channel.Sent, receipt.Event)

	mails := s.received()
	require.Len(t, mails, 1)
	require.Equal(t, "shop@example.com", mails[0].from)
	require.Equal(t, "ann@example.com", mails[0].to)
	head := header(t, mails[0])
	require.Equal(t, "<d-7@example.com>", head.Get("Message-ID"))
	require.Equal(t, "auto-generated", head.Get("Auto-Submitted"))
	require.NotEmpty(t, head.Get("Date"))
	require.Empty(t, head.Get("User-Agent"))
	require.Equal(t, []string{"STARTTLS"}, only(s.said(), "STARTTLS", "AUTH"))
}

func TestMessageIDIsTheSameOnEveryAttempt(t *testing.T) {
	s := serve(t, nil)
	c := s.channel()
	for attempt := range 2 {
		d := delivery()
		d.Attempt = attempt + 1
		_, err := c.Send(t.Context(), d)
		require.NoError(t, err)
	}
	mails := s.received()
	require.Equal(t, header(t, mails[0]).Get("Message-ID"), header(t, mails[1]).Get("Message-ID"))
}

func TestConnectionIsEncryptedAsAsked(t *testing.T) {
	tests := map[string]struct {
		tls      email.TLS
		implicit bool
		without  bool // STARTTLS
		want     channel.Kind
		wantSaid []string
	}{
		"by STARTTLS":                             {wantSaid: []string{"EHLO", "STARTTLS", "EHLO", "MAIL"}},
		"from the first byte":                     {tls: email.TLSImplicit, implicit: true, wantSaid: []string{"EHLO", "MAIL"}},
		"if it can be":                            {tls: email.TLSOpportunistic, wantSaid: []string{"EHLO", "STARTTLS", "EHLO", "MAIL"}},
		"not if it need not be":                   {tls: email.TLSOpportunistic, without: true, wantSaid: []string{"EHLO", "MAIL"}},
		"not if it must not be":                   {tls: email.TLSNone, wantSaid: []string{"EHLO", "MAIL"}},
		"or nothing is sent":                      {without: true, want: channel.Misconfigured, wantSaid: []string{"EHLO"}},
		"and does not begin at a plain text port": {tls: email.TLSImplicit, want: channel.Misconfigured},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			s.implicit = test.implicit
			if test.without {
				s.extensions = append(s.extensions, "-STARTTLS")
			}
			s.start()
			_, err := s.channel(func(o *email.Options) { o.TLS = test.tls }).Send(t.Context(), delivery())
			requireKind(t, test.want, err)
			require.Equal(t, test.wantSaid, only(s.said(), "EHLO", "STARTTLS", "MAIL"))
		})
	}
}

func TestRefusesACertificateThatItDoesNotTrust(t *testing.T) {
	for name, implicit := range map[string]bool{"by STARTTLS": false, "from the first byte": true} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			s.implicit = implicit
			s.start()
			c := s.channel(func(o *email.Options) {
				o.TLSConfig = nil
				if implicit {
					o.TLS = email.TLSImplicit
				}
			})
			_, err := c.Send(t.Context(), delivery())
			requireKind(t, channel.Misconfigured, err)
			var certificate *tls.CertificateVerificationError
			require.ErrorAs(t, err, &certificate)
			require.Zero(t, s.count("MAIL"))
		})
	}
}

func TestPort465IsImplicitTLS(t *testing.T) {
	s := newServer(t, nil)
	s.implicit = true
	s.start()
	port := s.port()
	c := s.channel(func(o *email.Options) { o.Port, o.Dial = 465, elsewhere(port) })
	_, err := c.Send(t.Context(), delivery())
	require.NoError(t, err)
}

func TestLogsIn(t *testing.T) {
	tests := map[string]struct {
		auth   email.Auth
		offers string
		want   string // user and mechanism
		kind   channel.Kind
	}{
		"by the best that is offered":        {want: "notify by CRAM-MD5"},
		"by PLAIN, if that is the best":      {offers: "AUTH LOGIN PLAIN", want: "notify by PLAIN"},
		"by LOGIN, if that is all":           {offers: "AUTH LOGIN GSSAPI", want: "notify by LOGIN"},
		"by PLAIN":                           {auth: email.AuthPlain, want: "notify by PLAIN"},
		"by LOGIN":                           {auth: email.AuthLogin, want: "notify by LOGIN"},
		"by CRAM-MD5":                        {auth: email.AuthCRAMMD5, want: "notify by CRAM-MD5"},
		"by XOAUTH2":                         {auth: email.AuthXOAUTH2, want: "notify by XOAUTH2"},
		"by nothing that is not offered":     {auth: email.AuthSCRAMSHA256, kind: channel.Misconfigured},
		"by nothing that it does not know":   {offers: "AUTH GSSAPI", kind: channel.Misconfigured},
		"by nothing where there is no login": {offers: "HELP", kind: channel.Misconfigured},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			if test.offers != "" {
				s.extensions = []string{test.offers}
			}
			s.start()
			_, err := s.channel(login, func(o *email.Options) { o.Auth = test.auth }).Send(t.Context(), delivery())
			requireKind(t, test.kind, err)
			if test.kind == channel.Unknown {
				require.Equal(t, test.want, s.received()[0].user)
			}
		})
	}
}

func TestPrefersSCRAM(t *testing.T) {
	for _, auth := range []email.Auth{email.AuthAuto, email.AuthSCRAMSHA1, email.AuthSCRAMSHA256Plus, email.AuthSCRAMSHA1Plus} {
		t.Run(string(auth), func(t *testing.T) {
			s := newServer(t, nil)
			s.extensions = []string{"AUTH PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS"}
			s.start()
			_, err := s.channel(login, func(o *email.Options) { o.Auth = auth }).Send(t.Context(), delivery())
			requireKind(t, channel.Misconfigured, err) // the server offers SCRAM without implementing it
			require.Equal(t, 1, s.count("AUTH"))
		})
	}
}

func TestPasswordIsNotShownWithoutTLS(t *testing.T) {
	tests := map[string]struct {
		host  string
		auth  email.Auth
		allow bool
		kind  channel.Kind
		want  string
	}{
		"by PLAIN":                             {auth: email.AuthPlain, kind: channel.Misconfigured},
		"by LOGIN":                             {auth: email.AuthLogin, kind: channel.Misconfigured},
		"by XOAUTH2":                           {auth: email.AuthXOAUTH2, kind: channel.Misconfigured},
		"by CRAM-MD5, which hides it":          {auth: email.AuthCRAMMD5, want: "notify by CRAM-MD5"},
		"unless that is allowed":               {auth: email.AuthPlain, allow: true, want: "notify by PLAIN"},
		"unless LOGIN is allowed":              {auth: email.AuthLogin, allow: true, want: "notify by LOGIN"},
		"unless the server is on this machine": {auth: email.AuthPlain, host: "127.0.0.1", want: "notify by PLAIN"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			s.extensions = append(s.extensions, "-STARTTLS")
			s.start()
			o := s.options()
			o.TLS, o.Auth, o.ClearTextAuth, o.Dial = email.TLSOpportunistic, test.auth, test.allow, elsewhere(s.port())
			login(o)
			host := "mail.example.net"
			if test.host != "" {
				host = test.host
			}
			c := email.New(host, from, o)
			require.NoError(t, c.Valid())
			defer c.Close()
			_, err := c.Send(t.Context(), delivery())
			requireKind(t, test.kind, err)
			if test.kind == channel.Misconfigured {
				require.Zero(t, s.count("AUTH"))
			} else {
				require.Equal(t, test.want, s.received()[0].user)
			}
		})
	}
}

func TestTokenIsAskedForEachConnection(t *testing.T) {
	s := serve(t, func(step string, nth int) string {
		if step == "DOT" && nth == 1 {
			return "421 4.3.2 going down"
		}
		return ""
	})
	asked := 0
	c := s.channel(func(o *email.Options) {
		o.Username, o.Auth = user, email.AuthXOAUTH2
		o.Token = func(context.Context) (string, error) { asked++; return password, nil }
	})
	_, err := c.Send(t.Context(), delivery())
	requireKind(t, channel.Temporary, err)
	for range 2 {
		_, err = c.Send(t.Context(), delivery())
		require.NoError(t, err)
	}
	require.Equal(t, 2, asked)
}

func TestTokenErrorKeepsItsKind(t *testing.T) {
	gone := errors.New("the token server is away")
	for want, fail := range map[channel.Kind]error{
		channel.Temporary:     gone,
		channel.Misconfigured: &channel.Error{Kind: channel.Misconfigured, Err: gone},
	} {
		s := serve(t, nil)
		c := s.channel(func(o *email.Options) {
			o.Username = user
			o.Token = func(context.Context) (string, error) { return "", fail }
		})
		_, err := c.Send(t.Context(), delivery())
		requireKind(t, want, err)
		require.ErrorIs(t, err, gone)
	}
}

func TestAddressBeyondASCIINeedsTheServer(t *testing.T) {
	d := delivery()
	d.To = "jörg@example.com"

	s := serve(t, nil)
	require.NoError(t, s.channel().Validate(d))
	_, err := s.channel().Send(t.Context(), d)
	requireKind(t, channel.Rejected, err)
	require.Zero(t, s.count("MAIL"))

	s = serve(t, nil, "SMTPUTF8")
	_, err = s.channel().Send(t.Context(), d)
	require.NoError(t, err)
	_, err = s.channel().Send(t.Context(), delivery())
	require.NoError(t, err)
	mails := s.received()
	require.Equal(t, "jörg@example.com", mails[0].to)
	require.Equal(t, "BODY=8BITMIME SMTPUTF8", mails[0].params)
	require.Equal(t, "BODY=8BITMIME", mails[1].params, "the next relay may not know SMTPUTF8")
}

func TestMailLargerThanTheServerTakesIsNotSent(t *testing.T) {
	s := serve(t, nil, "SIZE 100000")
	d := delivery()
	d.Content.Text = strings.Repeat("word ", 30_000)
	_, err := s.channel().Send(t.Context(), d)
	requireKind(t, channel.Rejected, err)
	require.Zero(t, s.count("MAIL"))
}

func TestRejectedMailLeavesTheConnectionUsable(t *testing.T) {
	s := serve(t, func(step string, nth int) string {
		if nth == 1 && (step == "RCPT" || step == "DOT") {
			return "550 5.7.1 no"
		}
		return ""
	})
	c := s.channel()
	for _, want := range []channel.Kind{channel.Rejected, channel.Rejected, channel.Unknown} {
		_, err := c.Send(t.Context(), delivery())
		requireKind(t, want, err)
	}
	opened, _ := s.connections()
	require.Equal(t, 1, opened)
}

func TestConnectionWithARecipientLeftOverIsNotUsedAgain(t *testing.T) {
	s := serve(t, func(step string, nth int) string {
		if step == "DATA" && nth == 1 {
			return "451 4.3.0 not now"
		}
		return ""
	})
	c := s.channel()
	_, err := c.Send(t.Context(), delivery())
	requireKind(t, channel.Temporary, err)
	_, err = c.Send(t.Context(), delivery())
	require.NoError(t, err)
	opened, _ := s.connections()
	require.Equal(t, 2, opened)
}

func TestLimitsAreThePool(t *testing.T) {
	require.Equal(t, channel.Limits{Concurrency: 4}, channel.LimitsOf(email.New("mail.example.net", from, nil)))
	require.Equal(t, channel.Limits{Concurrency: 9}, channel.LimitsOf(email.New("mail.example.net", from, &email.Options{Pool: 9})))
	require.Equal(t, channel.Email, channel.AddressKind(email.New("mail.example.net", from, nil)))
}

// requireKind requires an error of kind want that holds no secret, or no error for the zero kind.
func requireKind(t *testing.T, want channel.Kind, err error) {
	t.Helper()
	if want == channel.Unknown {
		require.NoError(t, err)
		return
	}
	require.ErrorIs(t, err, want)
	var e *channel.Error
	require.ErrorAs(t, err, &e)
	for _, secret := range []string{"ann@", password, "arrives tomorrow", "on its way"} {
		require.NotContains(t, err.Error(), secret)
	}
}

func header(t *testing.T, r received) mail.Header {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(r.data))
	require.NoError(t, err)
	return m.Header
}

// only returns those elements of all that are in wanted.
func only(all []string, wanted ...string) []string {
	var out []string
	for _, a := range all {
		for _, w := range wanted {
			if a == w {
				out = append(out, a)
			}
		}
	}
	return out
}
