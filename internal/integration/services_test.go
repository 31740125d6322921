package integration_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/env"
)

// These tests check that the mail server of scripts/services behaves as the other tests expect.

func TestMailServerTakesMailAndKeepsIt(t *testing.T) {
	for name, dial := range map[string]func(*testing.T) *smtp.Client{"over STARTTLS": dialSTARTTLS, "over TLS": dialTLS} {
		t.Run(name, func(t *testing.T) {
			c := dial(t)
			require.NoError(t, c.Mail("shop@example.com"))
			to := "services-" + strings.ReplaceAll(name, " ", "-") + "@example.com"
			require.NoError(t, c.Rcpt(to))
			w, err := c.Data()
			require.NoError(t, err)
			_, err = w.Write([]byte("Subject: hello\r\n\r\nWorld\r\n"))
			require.NoError(t, err)
			require.NoError(t, w.Close())

			require.Eventually(t, func() bool { return strings.Contains(mailTo(t, to), "Subject: hello\n\nWorld\n") },
				10*time.Second, 50*time.Millisecond)
		})
	}
}

func TestMailServerKnowsItsUser(t *testing.T) {
	host, user, password := env.Need(t, "NOTIFY_SMTP_HOST"), env.Need(t, "NOTIFY_SMTP_USER"), env.Need(t, "NOTIFY_SMTP_PASSWORD")
	tests := map[string]struct {
		auth     smtp.Auth
		wantCode int
	}{
		"by PLAIN":                {auth: smtp.PlainAuth("", user, password, host)},
		"by CRAM-MD5":             {auth: smtp.CRAMMD5Auth(user, password)},
		"not by a wrong password": {auth: smtp.PlainAuth("", user, "wrong", host), wantCode: 535},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			requireCode(t, test.wantCode, "", dialSTARTTLS(t).Auth(test.auth))
		})
	}
}

func TestMailServerRefuses(t *testing.T) {
	tests := map[string]struct {
		to       string
		wantCode int
		wantText string
	}{
		"an unknown user":                 {"nobody-here@example.com", 550, "5.1.1"},
		"a full mailbox for now":          {"full@example.com", 452, "4.2.2"},
		"a stranger's domain for no user": {"ann@example.invalid", 550, "5.7.1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := dialTLS(t)
			require.NoError(t, c.Mail("shop@example.com"))
			requireCode(t, test.wantCode, test.wantText, c.Rcpt(test.to))
		})
	}
}

func requireCode(t *testing.T, code int, text string, err error) {
	t.Helper()
	if code == 0 {
		require.NoError(t, err)
		return
	}
	var refusal *textproto.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.Code)
	require.Contains(t, refusal.Msg, text)
}

func dialSTARTTLS(t *testing.T) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(net.JoinHostPort(env.Need(t, "NOTIFY_SMTP_HOST"), env.Need(t, "NOTIFY_SMTP_STARTTLS_PORT")))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.StartTLS(clientTLS(t)))
	return c
}

func dialTLS(t *testing.T) *smtp.Client {
	t.Helper()
	host := env.Need(t, "NOTIFY_SMTP_HOST")
	conn, err := tls.Dial("tcp", net.JoinHostPort(host, env.Need(t, "NOTIFY_SMTP_TLS_PORT")), clientTLS(t))
	require.NoError(t, err)
	c, err := smtp.NewClient(conn, host)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// clientTLS trusts only the certificate authority of the test server.
func clientTLS(t *testing.T) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(env.Need(t, "NOTIFY_SMTP_CA"))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	return &tls.Config{RootCAs: roots, ServerName: env.Need(t, "NOTIFY_SMTP_HOST")}
}

// mailTo returns the raw mail that has arrived for an address, or "" if there is none yet.
func mailTo(t *testing.T, address string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(env.Need(t, "NOTIFY_SMTP_MAILDIR"), "new", "*"))
	require.NoError(t, err)
	for _, file := range files {
		mail, err := os.ReadFile(file)
		require.NoError(t, err)
		if strings.Contains(string(mail), "Envelope-to: "+address+"\n") {
			return string(mail)
		}
	}
	return ""
}
