package aliyun_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
)

var signedAt = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// The parameters of SendSms in the vectors.
var vector = url.Values{
	"PhoneNumbers":  {"13800138000"},
	"SignName":      {"测试签名"},
	"TemplateCode":  {"SMS_000000001"},
	"TemplateParam": {`{"code":"1234 *~+","name":"张三"}`},
	"OutId":         {"ntf-0001"},
}

func TestSignatureV3(t *testing.T) {
	const form = "PhoneNumberJson=%5B%2213800138000%22%2C%2213800138001%22%5D&SignNameJson=%5B%22%E6%B5%8B%E8%AF%95%E7%AD%BE%E5%90%8D%22%2C" +
		"%22%E6%B5%8B%E8%AF%95%E7%AD%BE%E5%90%8D%22%5D&TemplateParamJson=%5B%7B%22code%22%3A%221%22%7D%2C%7B%22code%22%3A%222%22%7D%5D"
	tests := map[string]struct {
		id, token, action, nonce string
		query                    url.Values
		body                     string
		want                     string
	}{
		"of SendSms": {
			"testid", "", "SendSms", "3156853299f313e23d1673dc12e1703d", vector, "",
			"ACS3-HMAC-SHA256 Credential=testid," +
				"SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
				"Signature=00b5249a7d04b6d2cb72d9fb5c2291532a94340cc89ae1cdee562a1053bc1f00",
		},
		"of a form": {
			"testid", "", "SendBatchSms", "0000000000000000000000000000beef", url.Values{"TemplateCode": {"SMS_000000001"}}, form,
			"ACS3-HMAC-SHA256 Credential=testid," +
				"SignedHeaders=content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
				"Signature=7b669fa9b976b530b3cea07bf2b9c31ff391a75c782fe8c6990fca065185aff9",
		},
		"with a temporary key": {
			"STS.testid", "test-sts-token", "SendSms", "n-1",
			url.Values{"PhoneNumbers": {"85260000000"}, "SignName": {"Test"}, "TemplateCode": {"SMS_1"}}, "",
			"ACS3-HMAC-SHA256 Credential=STS.testid,SignedHeaders=host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;" +
				"x-acs-security-token;x-acs-signature-nonce;x-acs-version," +
				"Signature=360b7517dfd00be10c8d0f1159ae5b647de97f97cb48b36ed93ad3aaa3d342d1",
		},
	}
	for name, tt := range tests {
		sign := func(t *testing.T, secret, token, host, query, body, nonce string, at time.Time) string {
			req, err := http.NewRequest(http.MethodPost, "https://"+host+"/?"+query, bytes.NewReader([]byte(body)))
			require.NoError(t, err)
			if body != "" {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			aliyun.SignACS3(req, sms.Credentials{ID: tt.id, Secret: secret, Token: token}, tt.action, at, nonce)
			return req.Header.Get("Authorization")
		}
		t.Run(name, func(t *testing.T) {
			const host, secret = "dysmsapi.aliyuncs.com", "testsecret"
			query := tt.query.Encode()
			require.Equal(t, tt.want, sign(t, secret, tt.token, host, query, tt.body, tt.nonce, signedAt))

			signature := func(auth string) string { return auth[strings.LastIndex(auth, "=")+1:] }
			changed := map[string]string{
				"secret": sign(t, smstest.Flip(secret), tt.token, host, query, tt.body, tt.nonce, signedAt),
				"host":   sign(t, secret, tt.token, smstest.Flip(host), query, tt.body, tt.nonce, signedAt),
				"query":  sign(t, secret, tt.token, host, smstest.Flip(query), tt.body, tt.nonce, signedAt),
				"nonce":  sign(t, secret, tt.token, host, query, tt.body, smstest.Flip(tt.nonce), signedAt),
				"date":   sign(t, secret, tt.token, host, query, tt.body, tt.nonce, signedAt.Add(time.Second)),
			}
			if tt.body != "" {
				changed["body"] = sign(t, secret, tt.token, host, query, smstest.Flip(tt.body), tt.nonce, signedAt)
			}
			if tt.token != "" {
				changed["token"] = sign(t, secret, smstest.Flip(tt.token), host, query, tt.body, tt.nonce, signedAt)
			}
			for what, auth := range changed {
				require.NotEqual(t, signature(tt.want), signature(auth), "with one bit of the %s changed", what)
			}
		})
	}
}

func TestSignatureV1(t *testing.T) {
	sign := func(secret, nonce string, at time.Time, change func(url.Values)) string {
		q := url.Values{"RegionId": {"cn-hangzhou"}}
		maps.Copy(q, vector)
		change(q)
		req, err := http.NewRequest(http.MethodGet, "https://dysmsapi.aliyuncs.com/?"+q.Encode(), nil)
		require.NoError(t, err)
		aliyun.SignRPC(req, sms.Credentials{ID: "testid", Secret: secret}, "SendSms", at, nonce)
		return req.URL.Query().Get("Signature")
	}
	const secret, nonce, want = "testsecret", "45e25e9b-0a6f-4070-8c85-2956eda1b466", "Zc/lWCdfhcESMED0rS8Z9caTb4Q="
	same := func(url.Values) {}
	require.Equal(t, want, sign(secret, nonce, signedAt, same))
	require.NotEqual(t, want, sign(smstest.Flip(secret), nonce, signedAt, same))
	require.NotEqual(t, want, sign(secret, smstest.Flip(nonce), signedAt, same))
	require.NotEqual(t, want, sign(secret, nonce, signedAt.Add(time.Second), same))
	for name := range vector {
		require.NotEqual(t, want, sign(secret, nonce, signedAt, func(q url.Values) { q.Set(name, smstest.Flip(q.Get(name))) }), name)
	}
}
