package sms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/sms"
)

var testKey = sms.Credentials{ID: "testid", Secret: "testsecret"}

var signedAt = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// What SendSms is asked in the vectors.
var aliyunVector = url.Values{
	"PhoneNumbers":  {"13800138000"},
	"SignName":      {"测试签名"},
	"TemplateCode":  {"SMS_000000001"},
	"TemplateParam": {`{"code":"1234 *~+","name":"张三"}`},
	"OutId":         {"ntf-0001"},
}

func aliyunTemplates() map[string]sms.Template {
	return map[string]sms.Template{
		"code":  {ID: "SMS_000000001", Sign: "测试签名", Params: []string{"code", "name"}},
		"hello": {ID: "SMS_000000002"},
	}
}

func openAliyun(baseURL string, c *http.Client) *sms.Channel {
	return sms.New(sms.Aliyun(testKey.ID, testKey.Secret, &sms.AliyunOptions{
		Templates: aliyunTemplates(), Sign: "商店", BaseURL: baseURL, Client: c,
	}), nil)
}

func TestAliyunContract(t *testing.T) {
	temporary := sms.Credentials{ID: "STS.testid", Secret: "testsecret", Token: "test-sts-token"}
	sts := func(context.Context) (sms.Credentials, error) { return temporary, nil }
	tests := map[string]struct {
		options sms.AliyunOptions
		vendor  *aliyun
	}{
		"access key":   {sms.AliyunOptions{}, &aliyun{Credentials: testKey}},
		"STS":          {sms.AliyunOptions{Credentials: sts}, &aliyun{Credentials: temporary}},
		"signature V1": {sms.AliyunOptions{Credentials: sts, SignatureV1: true}, &aliyun{Credentials: temporary, v1: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			channeltest.HTTP(t, channeltest.Vendor{
				Open: func(_ *testing.T, baseURL string, c *http.Client) channel.Channel {
					o := tt.options
					o.Templates, o.Sign, o.BaseURL, o.Client = aliyunTemplates(), "商店", baseURL, c
					return sms.New(sms.Aliyun(testKey.ID, testKey.Secret, &o), nil)
				},
				Delivery:     approved("+8613800138000", "code", "name", "张三丰真人", "code", "1234 *~+"),
				Secrets:      []string{"testsecret", "test-sts-token", "Signature="},
				Accept:       tt.vendor.ServeHTTP,
				BadRecipient: aliyunRefuses(http.StatusOK, "isv.MOBILE_NUMBER_ILLEGAL", "13800138000invalid mobile number"),
				Deny:         aliyunRefuses(http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
				Fail:         aliyunRefuses(http.StatusOK, "isp.SYSTEM_ERROR", "SYSTEM_ERROR"),
				Throttle: func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("x-ratelimit-user-api", "Limit:1,Remain:0,TimeLeft:2000,Reset:1234")
					w.Header().Set("x-ratelimit-user", "Limit:1,Remain:0,TimeLeft:30000,Reset:1234")
					aliyunRefuses(http.StatusBadRequest, "Throttling.User", "Request was denied due to user flow control.")(w, r)
				},
			})
		})
	}
}

func TestAliyunWire(t *testing.T) {
	tests := map[string]struct {
		d    channel.Delivery
		want url.Values
	}{
		"a mainland number goes without its country code": {
			approved("+86 138 0013 8000", "code", "name", "张三", "code", "<&>"),
			url.Values{
				"PhoneNumbers": {"13800138000"}, "SignName": {"测试签名"}, "TemplateCode": {"SMS_000000001"}, "OutId": {"d-1"},
				"TemplateParam": {`{"code":"<&>","name":"张三"}`},
			},
		},
		"a foreign number goes without its plus": {
			approved("+85200001234", "hello"),
			url.Values{"PhoneNumbers": {"85200001234"}, "SignName": {"商店"}, "TemplateCode": {"SMS_000000002"}, "OutId": {"d-1"}},
		},
		"a mainland number that is no mobile keeps its country code": {
			approved("+861012345678", "hello"),
			url.Values{"PhoneNumbers": {"861012345678"}, "SignName": {"商店"}, "TemplateCode": {"SMS_000000002"}, "OutId": {"d-1"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got url.Values
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.URL.Query()
				(&aliyun{Credentials: testKey}).ServeHTTP(w, r)
			}))
			defer s.Close()

			r, err := openAliyun(s.URL, s.Client()).Send(t.Context(), tt.d)

			require.NoError(t, err)
			require.Equal(t, channel.Receipt{DeliveryID: "d-1", Provider: "aliyun", ID: "900619746936498440^0"}, r)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestAliyunExtendCode(t *testing.T) {
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.Query().Get("SmsUpExtendCode")
		fmt.Fprint(w, `{"Code":"OK"}`)
	}))
	defer s.Close()
	d := approved("+8613800138000", "hello")
	d.Extra = json.RawMessage(`{"extend_code":"42"}`)
	_, err := openAliyun(s.URL, s.Client()).Send(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, "42", got)
}

func TestAliyunSignatureV3(t *testing.T) {
	const form = "PhoneNumberJson=%5B%2213800138000%22%2C%2213800138001%22%5D&SignNameJson=%5B%22%E6%B5%8B%E8%AF%95%E7%AD%BE%E5%90%8D%22%2C" +
		"%22%E6%B5%8B%E8%AF%95%E7%AD%BE%E5%90%8D%22%5D&TemplateParamJson=%5B%7B%22code%22%3A%221%22%7D%2C%7B%22code%22%3A%222%22%7D%5D"
	tests := map[string]struct {
		id, token, action, nonce string
		query                    url.Values
		body                     string
		want                     string
	}{
		"of SendSms": {
			"testid", "", "SendSms", "3156853299f313e23d1673dc12e1703d", aliyunVector, "",
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
			sms.SignACS3(req, sms.Credentials{ID: tt.id, Secret: secret, Token: token}, tt.action, at, nonce)
			return req.Header.Get("Authorization")
		}
		t.Run(name, func(t *testing.T) {
			const host, secret = "dysmsapi.aliyuncs.com", "testsecret"
			query := tt.query.Encode()
			require.Equal(t, tt.want, sign(t, secret, tt.token, host, query, tt.body, tt.nonce, signedAt))

			signature := func(auth string) string { return auth[strings.LastIndex(auth, "=")+1:] }
			changed := map[string]string{
				"secret": sign(t, flip(secret), tt.token, host, query, tt.body, tt.nonce, signedAt),
				"host":   sign(t, secret, tt.token, flip(host), query, tt.body, tt.nonce, signedAt),
				"query":  sign(t, secret, tt.token, host, flip(query), tt.body, tt.nonce, signedAt),
				"nonce":  sign(t, secret, tt.token, host, query, tt.body, flip(tt.nonce), signedAt),
				"date":   sign(t, secret, tt.token, host, query, tt.body, tt.nonce, signedAt.Add(time.Second)),
			}
			if tt.body != "" {
				changed["body"] = sign(t, secret, tt.token, host, query, flip(tt.body), tt.nonce, signedAt)
			}
			if tt.token != "" {
				changed["token"] = sign(t, secret, flip(tt.token), host, query, tt.body, tt.nonce, signedAt)
			}
			for what, auth := range changed {
				require.NotEqual(t, signature(tt.want), signature(auth), "with one bit of the %s changed", what)
			}
		})
	}
}

func TestAliyunSignatureV1(t *testing.T) {
	sign := func(secret, nonce string, at time.Time, change func(url.Values)) string {
		q := url.Values{"RegionId": {"cn-hangzhou"}}
		maps.Copy(q, aliyunVector)
		change(q)
		req, err := http.NewRequest(http.MethodGet, "https://dysmsapi.aliyuncs.com/?"+q.Encode(), nil)
		require.NoError(t, err)
		sms.SignRPC(req, sms.Credentials{ID: "testid", Secret: secret}, "SendSms", at, nonce)
		return req.URL.Query().Get("Signature")
	}
	const secret, nonce, want = "testsecret", "45e25e9b-0a6f-4070-8c85-2956eda1b466", "Zc/lWCdfhcESMED0rS8Z9caTb4Q="
	same := func(url.Values) {}
	require.Equal(t, want, sign(secret, nonce, signedAt, same))
	require.NotEqual(t, want, sign(flip(secret), nonce, signedAt, same))
	require.NotEqual(t, want, sign(secret, flip(nonce), signedAt, same))
	require.NotEqual(t, want, sign(secret, nonce, signedAt.Add(time.Second), same))
	for name := range aliyunVector {
		require.NotEqual(t, want, sign(secret, nonce, signedAt, func(q url.Values) { q.Set(name, flip(q.Get(name))) }), name)
	}
}

func TestAliyunValid(t *testing.T) {
	good := func() sms.AliyunOptions { return sms.AliyunOptions{Templates: aliyunTemplates(), Sign: "商店"} }
	tests := map[string]struct {
		id, secret string
		change     func(*sms.AliyunOptions)
		want       string // "" if it is valid
	}{
		"is":                             {"id", "secret", func(*sms.AliyunOptions) {}, ""},
		"needs a key":                    {"", "secret", func(*sms.AliyunOptions) {}, "access key"},
		"needs a secret":                 {"id", "", func(*sms.AliyunOptions) {}, "access key"},
		"needs a key without its line":   {"id\n", "secret", func(*sms.AliyunOptions) {}, "white space"},
		"needs templates":                {"id", "secret", func(o *sms.AliyunOptions) { o.Templates = nil }, "no Templates"},
		"needs a sign for each template": {"id", "secret", func(o *sms.AliyunOptions) { o.Sign = "" }, `"hello" has no Sign`},
		"needs an ID for each template": {"id", "secret", func(o *sms.AliyunOptions) {
			o.Templates["bye"] = sms.Template{}
		}, `"bye" has no ID`},
		"needs distinct parameters": {"id", "secret", func(o *sms.AliyunOptions) {
			o.Templates["bye"] = sms.Template{ID: "1", Params: []string{"a", "b", "a"}}
		}, `"bye" names a parameter twice`},
		"needs a URL": {"id", "secret", func(o *sms.AliyunOptions) { o.BaseURL = "dysmsapi.aliyuncs.com" }, "BaseURL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := good()
			tt.change(&o)
			requireValid(t, sms.Aliyun(tt.id, tt.secret, &o), tt.want)
		})
	}
	require.Error(t, channel.Valid(sms.New(sms.Aliyun("id", "secret", nil), nil)))
}

func TestAliyunWithoutTemplatesTakesNoFreeText(t *testing.T) {
	err := sms.New(sms.Aliyun("id", "secret", nil), nil).Validate(text("+8613800138000", "hello"))
	require.ErrorIs(t, err, channel.Rejected)
}

func TestAliyunCodes(t *testing.T) {
	const ok, bad, down = http.StatusOK, http.StatusBadRequest, http.StatusServiceUnavailable
	tests := map[channel.Kind]map[string]int{
		channel.InvalidRecipient: {"isv.MOBILE_NUMBER_ILLEGAL": ok},
		channel.RateLimited:      {"Throttling": bad, "Throttling.User": bad, "Throttling.Api": bad},
		channel.Rejected: {
			"isv.MOBILE_COUNT_OVER_LIMIT": ok, "isv.INVALID_PARAMETERS": ok, "isv.INVALID_JSON_PARAM": ok, "isv.TEMPLATE_MISSING_PARAMETERS": ok,
			"isv.TEMPLATE_PARAMS_ILLEGAL": ok, "isv.PARAM_LENGTH_LIMIT": ok, "isv.PARAM_NOT_SUPPORT_URL": ok, "isv.BLACK_KEY_CONTROL_LIMIT": ok,
			"isv.SMS_CONTENT_ILLEGAL": ok, "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": ok, "isv.EXTEND_CODE_ERROR": ok,
			"isv.SMS_TEMPLATE_ILLEGAL": ok, "isv.SMS_SIGNATURE_ILLEGAL": ok, "isv.SMS_SIGN_ILLEGAL": ok, "isv.SIGN_STATE_ILLEGAL": ok,
			"isv.SMS_SIGNATURE_SCENE_ILLEGAL": ok,
			"isv.NEVER_HEARD_OF":              ok, "NeverHeardOf": bad,
		},
		channel.Misconfigured: {
			"isv.DAY_LIMIT_CONTROL": ok, "isv.MONTH_LIMIT_CONTROL": ok,
			"isp.RAM_PERMISSION_DENY": ok, "isv.PRODUCT_UN_SUBSCRIPT": ok, "isv.PRODUCT_UNSUBSCRIBE": ok, "isv.ACCOUNT_NOT_EXISTS": ok,
			"isv.ACCOUNT_ABNORMAL": ok, "isv.OUT_OF_SERVICE": ok, "isv.AMOUNT_NOT_ENOUGH": ok, "isv.DENY_IP_RANGE": ok,
			"InvalidAccessKeyId.NotFound": http.StatusNotFound, "SignatureDoesNotMatch": bad, "InvalidTimeStamp.Expired": bad,
			"NeverHeardOf.Denied": http.StatusForbidden,
		},
		channel.Uncertain: {"SignatureNonceUsed": bad, "NeverHeardOf.Taken": ok},
		channel.Temporary: {
			"isp.SYSTEM_ERROR": ok, "isp.GATEWAY_ERROR": ok, "isp.UNKNOWN": ok, "isp.NEVER_HEARD_OF": ok,
			"ServiceUnavailable": down, "InternalError": http.StatusInternalServerError, "NeverHeardOf.Down": down,
		},
	}
	for kind, codes := range tests {
		for code, status := range codes {
			t.Run(code, func(t *testing.T) {
				err := answered(t, aliyunRefuses(status, code, "13800138000 is at fault"), func(s *httptest.Server) channel.Channel {
					return openAliyun(s.URL, s.Client())
				}, approved("+8613800138000", "hello"))
				require.Equal(t, kind, err.Kind)
				require.Equal(t, code, err.Code)
				require.NotContains(t, err.Error(), "13800138000")
				if kind == channel.RateLimited {
					require.Equal(t, time.Second, err.RetryAfter)
				}
			})
		}
	}
}

func TestAliyunErrorNamesTheRequest(t *testing.T) {
	for id, want := range map[string]bool{"F655A8D5-B967-440B-8683-DAD6FF8DE990": true, "13800138000": false} {
		_, err := sms.AliyunAnswer(sms.Answer{Status: 200, Body: []byte(`{"Code":"isv.X","RequestId":"` + id + `"}`)}, signedAt)
		require.Equal(t, want, strings.Contains(err.Error(), id))
	}
}

func TestAliyunCapsOnOneNumber(t *testing.T) {
	noon := time.Date(2024, 1, 2, 4, 0, 0, 0, time.UTC) // in Beijing
	tests := map[string]struct {
		message string
		now     time.Time
		kind    channel.Kind
		wait    time.Duration
	}{
		"a minute's":               {"触发分钟级流控Permits:1", noon, channel.Temporary, time.Minute},
		"an hour's":                {"触发小时级流控Permits:5", noon, channel.Unreachable, time.Hour},
		"a day's":                  {"触发天级流控Permits:10", noon, channel.Unreachable, 12 * time.Hour},
		"a day's at its end":       {"触发天级流控Permits:10", noon.Add(12*time.Hour - time.Minute), channel.Temporary, time.Minute},
		"a day's at its beginning": {"触发天级流控Permits:10", noon.Add(12 * time.Hour), channel.Unreachable, 24 * time.Hour},
		"one that does not say":    {"flow control", noon, channel.Temporary, time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			kind, wait := sms.AliyunVerdict("isv.BUSINESS_LIMIT_CONTROL", tt.message, tt.now)
			require.Equal(t, tt.kind, kind)
			require.Equal(t, tt.wait, wait)
		})
	}
}

func TestAliyunTimeLeft(t *testing.T) {
	tests := map[string]struct {
		api, user string
		want      time.Duration
	}{
		"takes the larger":                  {"TimeLeft:3000", "TimeLeft:2000", 3 * time.Second},
		"takes either":                      {"", "Limit:1,Remain:0, TimeLeft : 2500 ,Reset:1234", 2500 * time.Millisecond},
		"waits a second at least":           {"TimeLeft:5", "", time.Second},
		"waits a second without":            {"Remain:0", "", time.Second},
		"does not believe a negative":       {"TimeLeft:-9000", "", time.Second},
		"does not believe a word":           {"TimeLeft:soon", "TimeLeft", time.Second},
		"does not believe too great a wish": {"TimeLeft:99999999999999999999", "", 1<<31*time.Millisecond - time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			h.Set("x-ratelimit-user-api", tt.api)
			h.Set("x-ratelimit-user", tt.user)
			_, err := sms.AliyunAnswer(sms.Answer{Status: 400, Header: h, Body: []byte(`{"Code":"Throttling"}`)}, signedAt)
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, channel.RateLimited, e.Kind)
			require.Equal(t, tt.want, e.RetryAfter)
		})
	}
}

func TestAliyunStrangeAnswers(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   channel.Kind
	}{
		"an empty page":             {200, "", channel.Uncertain},
		"a proxy's page":            {200, "<html>", channel.Uncertain},
		"JSON that is not Aliyun's": {200, `{"success":true}`, channel.Uncertain},
		"a code of another type":    {200, `{"Code":200}`, channel.Uncertain},
		"a code that is no word":    {200, `{"Code":"isv.X\nall is well"}`, channel.Uncertain},
		"OK with a failing status":  {502, `{"Code":"OK"}`, channel.Uncertain},
		"a bare 500":                {500, "", channel.Uncertain},
		"a bare 403":                {403, "", channel.Misconfigured},
		"a bare 404":                {404, "", channel.Rejected},
		"a bare 429":                {429, "", channel.RateLimited},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sms.AliyunAnswer(sms.Answer{Status: tt.status, Body: []byte(tt.body)}, signedAt)
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func FuzzAliyunAnswer(f *testing.F) {
	f.Add(200, `{"Code":"OK","Message":"OK","BizId":"900619746936498440^0","RequestId":"F655A8D5-B967-440B-8683-DAD6FF8DE990"}`, "")
	f.Add(200, `{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"触发天级流控Permits:10","RequestId":"F655A8D5-B967-440B-8683-DAD6FF8DE990"}`, "")
	f.Add(400, `{"Code":"Throttling.User","Message":"Request was denied","HostId":"dysmsapi.aliyuncs.com"}`, "Limit:1,Remain:0,TimeLeft:2000")
	f.Add(502, `<html>Bad Gateway</html>`, "TimeLeft:")
	f.Fuzz(func(t *testing.T, status int, body, limit string) {
		a := sms.Answer{Status: status, Header: http.Header{"X-Ratelimit-User": {limit}}, Body: []byte(body)}
		_, err := sms.AliyunAnswer(a, signedAt)
		var r struct{ Code string }
		taken := json.Unmarshal(a.Body, &r) == nil && r.Code == "OK" && status == http.StatusOK
		understood(t, err, taken)
	})
}
