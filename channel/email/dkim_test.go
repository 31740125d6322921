package email_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

// The example of RFC 8463, appendix A.
const (
	footballHead = "From: Joe SixPack <joe@football.example.com>\r\n" +
		"To: Suzie Q <suzie@shopping.example.net>\r\n" +
		"Subject: Is dinner ready?\r\n" +
		"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n" +
		"Message-ID: <20030712040037.46341.5F8J@football.example.com>"
	footballBody = "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
	footballTags = "v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n" +
		" d=football.example.com; i=@football.example.com;\r\n" +
		" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n" +
		" subject : date : message-id : from : subject : date;\r\n" +
		" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n" +
		" b="
	footballSeed      = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
	footballSignature = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
)

func TestDKIMGivesTheSignatureOfRFC8463(t *testing.T) {
	require.Contains(t, footballTags, "bh="+base64.StdEncoding.EncodeToString(email.BodyHash([]byte(footballBody)))+";")
	seed, err := base64.StdEncoding.DecodeString(footballSeed)
	require.NoError(t, err)
	names := []string{"from", "to", "subject", "date", "message-id", "from", "subject", "date"}
	digest := email.Digest(email.FieldsOf(footballHead), names, footballTags)
	require.Equal(t, footballSignature, base64.StdEncoding.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(seed), digest)))
}

func TestDKIMBodyIsCanonical(t *testing.T) {
	empty := email.BodyHash(nil)
	require.Equal(t, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", base64.StdEncoding.EncodeToString(empty), "RFC 6376, 3.4.4")
	tests := map[string]struct{ is, was string }{
		"empty lines at the end":      {"a\r\n", "a\r\n\r\n \t\r\n\r\n"},
		"no line's end at the end":    {"a\r\n", "a"},
		"white space at a line's end": {"a\r\nb\r\n", "a \t\r\nb\t\r\n"},
		"white space between":         {"a b\r\n c\r\n", "a \t b\r\n\t  c\r\n"},
		"empty lines between":         {"a\r\n\r\n\r\nb\r\n", "a\r\n\r\n \r\nb\r\n"},
		"nothing but empty lines":     {"", "\r\n\r\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, email.BodyHash([]byte(tt.is)), email.BodyHash([]byte(tt.was))) })
	}
	require.NotEqual(t, email.BodyHash([]byte(" a\r\n")), email.BodyHash([]byte("a\r\n")))
	require.NotEqual(t, email.BodyHash([]byte("\r\na\r\n")), email.BodyHash([]byte("a\r\n")))
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	return key
})

// remote stands for a key in a hardware module.
type remote struct {
	crypto.Signer
	fail error
}

func (r remote) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	if r.fail != nil {
		return nil, r.fail
	}
	return r.Signer.Sign(random, digest, o)
}

func TestDKIMSignsWhatArrives(t *testing.T) {
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	keys := map[string]crypto.Signer{"rsa": rsaKey(), "ed25519": edKey, "remote": remote{Signer: rsaKey()}}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			d := delivery()
			d.Content.Title = longSubject
			d.Content.HTML = "<p>" + strings.Repeat("long \t ", 500) + "</p>\n\n\n"
			d.Attachments = []channel.Attachment{{Name: "发票.png", Data: png}, {Name: "logo.png", ContentID: "logo", Data: png}}
			extra(`{"headers": {"X-Campaign": "spring", "Feedback-ID": "1:shop"}}`)(&d)
			verify(t, key, render(t, d, func(o *email.Options) {
				o.DKIM = &email.DKIM{Selector: "s1", Key: key}
				o.Unsubscribe = func(channel.Delivery) string { return "https://example.com/u" }
			}))
		})
	}
}

var signatureField = regexp.MustCompile(`(?s)DKIM-Signature: (v=1; .*?; b=|v=1; .*?;\r\n b=)(.*?)\r\n(\S)`)

// verify checks the signature of a mail and the fields that it covers.
func verify(t *testing.T, key crypto.Signer, data string) {
	t.Helper()
	m := signatureField.FindStringSubmatch(data)
	require.NotNil(t, m)
	for line := range strings.SplitSeq(m[0], "\r\n") {
		require.LessOrEqual(t, len(line), 78)
	}
	tags := strings.NewReplacer("\r\n ", "", " ", "").Replace(m[1])
	require.Contains(t, tags, ";d=example.com;")
	require.Contains(t, tags, "s=s1;")
	list := regexp.MustCompile(`;h=([^;]*);`).FindStringSubmatch(tags)[1]
	for _, field := range []string{"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"} {
		require.Equal(t, 2, strings.Count(":"+list+":", ":"+field+":"), "%s may not be added", field)
	}
	for _, field := range []string{"List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted", "Feedback-ID"} {
		require.Contains(t, ":"+list+":", ":"+field+":")
	}
	require.NotContains(t, list, "X-Campaign")

	head, body, _ := strings.Cut(data, "\r\n\r\n")
	require.Contains(t, tags, "bh="+base64.StdEncoding.EncodeToString(email.BodyHash([]byte(body))))
	signature, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(m[2], "\r\n ", ""))
	require.NoError(t, err)
	digest := email.Digest(email.FieldsOf(head), strings.Split(list, ":"), m[1])
	switch public := key.Public().(type) {
	case ed25519.PublicKey:
		require.True(t, ed25519.Verify(public, digest, signature))
	case *rsa.PublicKey:
		require.NoError(t, rsa.VerifyPKCS1v15(public, crypto.SHA256, digest, signature))
	}
}

func TestDKIMKeyThatFailsSendsNothing(t *testing.T) {
	away := errors.New("the module does not answer")
	s := serve(t, nil)
	c := s.channel(func(o *email.Options) {
		o.DKIM = &email.DKIM{Selector: "s1", Key: remote{Signer: rsaKey(), fail: away}}
	})
	require.NoError(t, c.Valid())
	_, err := c.Send(t.Context(), delivery())
	require.ErrorIs(t, err, channel.Temporary)
	require.ErrorIs(t, err, away)
	require.Empty(t, s.received())
}

func TestDKIMThatIsNotValid(t *testing.T) {
	weak, _ := rsa.GenerateKey(rand.Reader, 1024)
	broken := *weak
	broken.D = nil
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tests := map[string]struct {
		dkim email.DKIM
		ok   bool
	}{
		"whole":                    {email.DKIM{Domain: "mail.example.com", Selector: "s1.2026", Key: weak}, true},
		"the sender's domain":      {email.DKIM{Selector: "s1", Key: weak}, true},
		"no selector":              {email.DKIM{Key: weak}, false},
		"a selector with a space":  {email.DKIM{Selector: "s 1", Key: weak}, false},
		"a selector with a tag":    {email.DKIM{Selector: "s1;l=0", Key: weak}, false},
		"a selector with a line":   {email.DKIM{Selector: "s1\r\nBcc: eve", Key: weak}, false},
		"a domain with a dot more": {email.DKIM{Domain: "example.com.", Selector: "s1", Key: weak}, false},
		"a domain that is none":    {email.DKIM{Domain: "example..com", Selector: "s1", Key: weak}, false},
		"a domain beyond ASCII":    {email.DKIM{Domain: "商店.example", Selector: "s1", Key: weak}, false},
		"no key":                   {email.DKIM{Selector: "s1"}, false},
		"a nil key":                {email.DKIM{Selector: "s1", Key: (*rsa.PrivateKey)(nil)}, false},
		"an empty RSA key":         {email.DKIM{Selector: "s1", Key: new(rsa.PrivateKey)}, false},
		"half an RSA key":          {email.DKIM{Selector: "s1", Key: &broken}, false},
		"an empty Ed25519 key":     {email.DKIM{Selector: "s1", Key: ed25519.PrivateKey{}}, false},
		"a key of another kind":    {email.DKIM{Selector: "s1", Key: ec}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := email.New("127.0.0.1", from, &email.Options{DKIM: &tt.dkim})
			defer c.Close()
			if tt.ok {
				require.NoError(t, c.Valid())
				return
			}
			require.ErrorIs(t, c.Valid(), channel.Misconfigured)
			_, err := c.Send(t.Context(), delivery())
			require.ErrorIs(t, err, channel.Misconfigured)
		})
	}
}

func FuzzDKIMCanonicalForms(f *testing.F) {
	f.Add(footballHead, []byte(footballBody))
	f.Add("a", []byte(" \r\n\t"))
	f.Fuzz(func(t *testing.T, head string, body []byte) {
		require.Equal(t, email.BodyHash(body), email.BodyHash(append(bytes.Clone(body), "\r\n \r\n"...)))
		fields := email.FieldsOf(head)
		require.Equal(t, head, strings.Join(fields, "\r\n"))
		email.Digest(fields, []string{"From", "from"}, "v=1")
	})
}
