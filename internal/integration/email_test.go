package integration_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
	"github.com/e7ddda3c/notify/internal/env"
)

// mailer opens a channel to the mail server, on the port in the variable port. change may change the options.
func mailer(t *testing.T, port string, change func(*email.Options)) *email.Channel {
	t.Helper()
	number, err := strconv.Atoi(env.Need(t, port))
	require.NoError(t, err)
	o := &email.Options{Port: number, TLSConfig: clientTLS(t)}
	if port == "NOTIFY_SMTP_TLS_PORT" {
		o.TLS = email.TLSImplicit
	}
	if change != nil {
		change(o)
	}
	c := email.New(env.Need(t, "NOTIFY_SMTP_HOST"), "商店 <shop@example.com>", o)
	require.NoError(t, c.Valid())
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func order(to string) channel.Delivery {
	file := make([]byte, 300_000)
	_, _ = rand.Read(file)
	return channel.Delivery{
		ID: "it-" + rand.Text(), To: to,
		Content: channel.Content{
			Title: "您的订单已经发货：两本关于编程的书、一盏台灯和一只杯子，预计明天中午之前送达 – à bientôt 🚚",
			Text:  "It arrives tomorrow.\n.\n..\nFrom here on: 明天见。\n",
			HTML:  "<p>It arrives <b>tomorrow</b>. 明天见。</p>\n<p>" + strings.Repeat("=20 long ", 300) + "</p>\n",
		},
		Attachments: []channel.Attachment{{Name: "发票.bin", Data: file}},
		Extra:       []byte(`{"reply_to": "帮助 <help@example.com>", "headers": {"X-Campaign": "autumn"}}`),
	}
}

func TestMailArrivesAsItWasSent(t *testing.T) {
	login := func(auth email.Auth) func(*email.Options) {
		return func(o *email.Options) {
			o.Username, o.Password, o.Auth = env.Need(t, "NOTIFY_SMTP_USER"), env.Need(t, "NOTIFY_SMTP_PASSWORD"), auth
		}
	}
	tests := map[string]struct {
		port string
		opts func(*email.Options)
		want string // the protocol in the Received header
	}{
		"over STARTTLS":             {"NOTIFY_SMTP_STARTTLS_PORT", nil, "with esmtps "},
		"over TLS":                  {"NOTIFY_SMTP_TLS_PORT", nil, "with esmtps "},
		"over STARTTLS with a user": {"NOTIFY_SMTP_STARTTLS_PORT", login(email.AuthAuto), "with esmtpsa "},
		"over TLS with a user":      {"NOTIFY_SMTP_TLS_PORT", login(email.AuthAuto), "with esmtpsa "},
		"by PLAIN":                  {"NOTIFY_SMTP_STARTTLS_PORT", login(email.AuthPlain), "with esmtpsa "},
		"by LOGIN":                  {"NOTIFY_SMTP_TLS_PORT", login(email.AuthLogin), "with esmtpsa "},
		"by CRAM-MD5":               {"NOTIFY_SMTP_TLS_PORT", login(email.AuthCRAMMD5), "with esmtpsa "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := order("ann-" + strings.ToLower(rand.Text()) + "@example.com")
			receipt, err := mailer(t, test.port, test.opts).Send(t.Context(), d)
			require.NoError(t, err)
			require.NotEmpty(t, receipt.ID)

			m, head := arrived(t, d.To)
			require.Contains(t, strings.ToLower(head.Get("Received")), test.want)
			require.Contains(t, head.Get("Received"), receipt.ID)
			require.Equal(t, "<"+d.ID+"@example.com>", head.Get("Message-ID"))
			require.Equal(t, "<"+d.To+">", head.Get("To"))
			require.Equal(t, "auto-generated", head.Get("Auto-Submitted"))
			require.Equal(t, "autumn", head.Get("X-Campaign"))
			require.Equal(t, "帮助", address(t, head, "Reply-To").Name)
			require.Equal(t, mail.Address{Name: "商店", Address: "shop@example.com"}, address(t, head, "From"))
			sent, err := head.Date()
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), sent, time.Minute)

			require.Equal(t, d.Content.Title, m.subject)
			require.Equal(t, d.Content.Text, m.text)
			require.Equal(t, d.Content.HTML, m.html)
			require.Equal(t, "发票.bin", m.name)
			require.Equal(t, string(d.Attachments[0].Data), m.file, "the file has changed")
		})
	}
}

func TestMailServerRefusal(t *testing.T) {
	wrong := func(o *email.Options) { o.Username, o.Password = env.Need(t, "NOTIFY_SMTP_USER"), "wrong horse" }
	tests := map[string]struct {
		to   string
		opts func(*email.Options)
		want channel.Kind
	}{
		"of the password":          {"ann@example.com", wrong, channel.Misconfigured},
		"of the certificate":       {"ann@example.com", func(o *email.Options) { o.TLSConfig = nil }, channel.Misconfigured},
		"of an unknown user":       {"nobody-here@example.com", nil, channel.InvalidRecipient},
		"of a full mailbox":        {"full@example.com", nil, channel.Temporary},
		"to relay for a stranger":  {"ann@example.invalid", nil, channel.Rejected},
		"of a mail that is larger": {"ann@example.com", nil, channel.Rejected},
	}
	for _, port := range []string{"NOTIFY_SMTP_STARTTLS_PORT", "NOTIFY_SMTP_TLS_PORT"} {
		for name, test := range tests {
			t.Run(name+" "+port, func(t *testing.T) {
				d := order(test.to)
				if strings.HasSuffix(name, "larger") {
					d.Attachments[0].Data = make([]byte, 16<<20) // the server takes 20 MB
				}
				_, err := mailer(t, port, test.opts).Send(t.Context(), d)
				require.ErrorIs(t, err, test.want)
				require.NotContains(t, err.Error(), "@")
				require.NotContains(t, err.Error(), "horse")
			})
		}
	}
}

func TestMailsOfABurstAllArrive(t *testing.T) {
	c := mailer(t, "NOTIFY_SMTP_STARTTLS_PORT", nil)
	run := strings.ToLower(rand.Text())
	to := func(i int) string { return fmt.Sprintf("burst-%s-%d@example.com", run, i) }
	errs := make([]error, 60)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			d := order(to(i))
			d.Attachments = nil
			_, errs[i] = c.Send(t.Context(), d)
		})
	}
	wg.Wait()
	for i, err := range errs {
		require.NoError(t, err)
		require.Eventually(t, func() bool { return mailTo(t, to(i)) != "" }, 20*time.Second, 50*time.Millisecond)
	}
}

// decoded is the content of a mail.
type decoded struct{ subject, text, html, name, file string }

// arrived waits for the mail to an address and decodes it.
func arrived(t *testing.T, to string) (decoded, mail.Header) {
	t.Helper()
	var raw string
	require.Eventually(t, func() bool { raw = mailTo(t, to); return raw != "" }, 20*time.Second, 50*time.Millisecond)
	m, err := mail.ReadMessage(strings.NewReader(raw))
	require.NoError(t, err)
	var d decoded
	d.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	d.read(t, m.Header, m.Body)
	return d, m.Header
}

// read decodes a part, and recursively the parts within it.
func (d *decoded) read(t *testing.T, head map[string][]string, body io.Reader) {
	t.Helper()
	get := mail.Header(head).Get
	kind, params, err := mime.ParseMediaType(get("Content-Type"))
	require.NoError(t, err)
	if strings.HasPrefix(kind, "multipart/") {
		for r := multipart.NewReader(body, params["boundary"]); ; {
			part, err := r.NextRawPart()
			if err == io.EOF {
				return
			}
			require.NoError(t, err)
			d.read(t, part.Header, part)
		}
	}
	switch get("Content-Transfer-Encoding") {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	b, err := io.ReadAll(body)
	require.NoError(t, err)
	switch kind {
	case "text/plain":
		d.text = string(b)
	case "text/html":
		d.html = string(b)
	default:
		_, params, err := mime.ParseMediaType(get("Content-Disposition"))
		require.NoError(t, err)
		d.name, d.file = params["filename"], string(b)
	}
}

func address(t *testing.T, head mail.Header, field string) mail.Address {
	t.Helper()
	list, err := head.AddressList(field)
	require.NoError(t, err)
	require.Len(t, list, 1)
	return *list[0]
}
