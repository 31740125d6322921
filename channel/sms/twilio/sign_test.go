package twilio_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
	"github.com/e7ddda3c/notify/channel/sms/twilio"
)

func TestSignature(t *testing.T) {
	delivered := url.Values{
		"AccountSid": {"ACtestid"}, "ApiVersion": {"2010-04-01"}, "From": {"+15005550001"}, "To": {"+15005550006"},
		"MessageSid": {"SM00000000000000000000000000000001"}, "MessageStatus": {"delivered"},
		"SmsSid": {"SM00000000000000000000000000000001"}, "SmsStatus": {"delivered"},
	}
	undelivered := url.Values{"Body": {"héllo & 你好"}, "Empty": {""}, "ErrorCode": {"30003"}, "MessageStatus": {"undelivered"}}
	const digest = "759495f9ac542db8884e5e51123fc61ace7f60ee6750990c37086dea317f5574"
	tests := map[string]struct {
		url       string
		form      url.Values
		body      string
		signature string
	}{
		"of a form":              {"https://example.com/hooks/twilio?tenant=1", delivered, "", "WSvRoMukjn8wp9GQLbWWUH81Mw4="},
		"of a form, with a port": {"https://example.com:443/hooks/twilio?tenant=1", delivered, "", "WSvRoMukjn8wp9GQLbWWUH81Mw4="},
		"of a form beyond ASCII": {"https://example.com/hooks/twilio", undelivered, "", "6wRZnfeAn9TYQGez5/vW8ckchbg="},
		"of JSON": {
			"https://example.com/hooks/twilio-json?bodySHA256=" + digest, nil, `{"MessageStatus":"delivered"}`, "1e9qvc0vQJW6Ikr4jlmAV5SXn7M=",
		},
		"made with a default port": {"http://example.com/", url.Values{}, "", sha1Base64("http://example.com:80/")},
		"made with another port":   {"https://example.com:8443/", url.Values{}, "", sha1Base64("https://example.com:8443/")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			check := func(token, url string, form url.Values, body, signature string) bool {
				return twilio.Signed(token, url, form, []byte(body), signature)
			}
			require.True(t, check("testsecret", tt.url, tt.form, tt.body, tt.signature))
			require.False(t, check(smstest.Flip("testsecret"), tt.url, tt.form, tt.body, tt.signature))
			require.False(t, check("testsecret", smstest.Flip(tt.url), tt.form, tt.body, tt.signature))
			require.False(t, check("testsecret", tt.url, tt.form, tt.body, smstest.Flip(tt.signature)))
			require.False(t, check("testsecret", tt.url, tt.form, tt.body, ""))
			if tt.form == nil {
				require.False(t, check("testsecret", tt.url, nil, smstest.Flip(tt.body), tt.signature))
			}
			for k, v := range tt.form {
				if v[0] == "" {
					continue
				}
				tt.form[k] = []string{smstest.Flip(v[0])}
				require.False(t, check("testsecret", tt.url, tt.form, tt.body, tt.signature), k)
				tt.form[k] = v
			}
		})
	}
}

func TestSignatureNeedsTheDigestOfABody(t *testing.T) {
	const u = "https://example.com/hooks/twilio-json"
	require.False(t, twilio.Signed("testsecret", u, nil, []byte(`{}`), sha1Base64(u)))
	require.False(t, twilio.Signed("testsecret", "://", url.Values{}, nil, sha1Base64("://")))
}

func sha1Base64(text string) string {
	m := hmac.New(sha1.New, []byte("testsecret"))
	m.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}
