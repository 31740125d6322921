package integration_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

// record returns the DNS record of a key.
func record(t *testing.T, key crypto.Signer) string {
	t.Helper()
	if public, ok := key.Public().(ed25519.PublicKey); ok {
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

// signedBy verifies with another implementation that a mail is signed by key and unchanged since.
func signedBy(t *testing.T, key crypto.Signer, mail string) error {
	t.Helper()
	results, err := dkim.VerifyWithOptions(strings.NewReader(mail), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		require.Equal(t, "s1._domainkey.example.com", name)
		return []string{record(t, key)}, nil
	}})
	require.NoError(t, err)
	require.Len(t, results, 1)
	return results[0].Err
}

func TestMailThatIsSignedStaysSigned(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	contents := map[string]func(*channel.Delivery){
		"all at once": func(*channel.Delivery) {},
		"text":        func(d *channel.Delivery) { d.Content.HTML, d.Attachments = "", nil },
		"long lines":  func(d *channel.Delivery) { d.Content.Text = strings.Repeat("long \t ", 3000) + "\n\n \n" },
		"html alone":  func(d *channel.Delivery) { d.Content.Text, d.Attachments = "", nil },
		"a file alone": func(d *channel.Delivery) {
			d.Content = channel.Content{}
		},
		"no body": func(d *channel.Delivery) { d.Content, d.Attachments = channel.Content{Title: "Nothing"}, nil },
		"many headers": func(d *channel.Delivery) {
			d.Extra = []byte(`{"headers": {"Feedback-ID": "1:shop", "References": "<a@example.com>", "X-Note": "` + strings.Repeat("纸 ", 60) + `"}}`)
		},
	}
	for keyName, key := range map[string]crypto.Signer{"rsa": rsaKey, "ed25519": edKey} {
		c := mailer(t, "NOTIFY_SMTP_STARTTLS_PORT", func(o *email.Options) {
			o.DKIM = &email.DKIM{Selector: "s1", Key: key}
			o.Unsubscribe = func(d channel.Delivery) string { return "https://example.com/u/" + d.ID }
		})
		for name, change := range contents {
			t.Run(name+" "+keyName, func(t *testing.T) {
				d := order("dkim-" + strings.ToLower(rand.Text()) + "@example.com")
				change(&d)
				_, err := c.Send(t.Context(), d)
				require.NoError(t, err)
				var mail string
				require.Eventually(t, func() bool { mail = mailTo(t, d.To); return mail != "" }, 20*time.Second, 50*time.Millisecond)
				mail = strings.ReplaceAll(mail, "\n", "\r\n") // the server stores lines with \n

				require.NoError(t, signedBy(t, key, mail))
				for _, forged := range []string{
					"Subject: cheap pills\r\n" + mail,
					"Cc: eve@example.com\r\n" + mail,
					"From: bank@example.com\r\n" + mail,
					strings.Replace(mail, "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "List-Unsubscribe-Post: no", 1),
					mail + "and cheap pills\r\n",
				} {
					require.Error(t, signedBy(t, key, forged))
				}
			})
		}
	}
}
