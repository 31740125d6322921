package sms_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/sms"
)

const tencentRequestID = "8d9d22f8-2d0e-4c3c-b8b5-1f2b0a4f5c6d"

func tencentTemplates() map[string]sms.Template {
	return map[string]sms.Template{
		"code":  {ID: "1000001", Sign: "测试签名", Params: []string{"name", "code"}},
		"hello": {ID: "1000002"},
	}
}

func openTencent(baseURL string, c *http.Client) *sms.Channel {
	return sms.New(sms.Tencent("AKIDtestid", "testsecret", "1400000000", &sms.TencentOptions{
		Templates: tencentTemplates(), Sign: "商店", SenderID: "Shop", BaseURL: baseURL, Client: c,
	}), nil)
}

func TestTencentContract(t *testing.T) {
	sts := func(context.Context) (sms.Credentials, error) {
		return sms.Credentials{ID: "AKIDtestid", Secret: "testsecret", Token: "test-sts-token"}, nil
	}
	channeltest.HTTP(t, channeltest.Vendor{
		Open: func(_ *testing.T, baseURL string, c *http.Client) channel.Channel {
			return sms.New(sms.Tencent("", "", "1400000000", &sms.TencentOptions{
				Templates: tencentTemplates(), Credentials: sts, BaseURL: baseURL, Client: c,
			}), nil)
		},
		Delivery: approved("+8613800138000", "code", "code", "1234 <*~+>", "name", "张三丰真人"),
		Secrets:  []string{"testsecret", "test-sts-token", "Signature="},
		Accept: func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-TC-Token") != "test-sts-token" {
				tencentRefuses("AuthFailure.TokenFailure")(w, r)
				return
			}
			tencent(w, r)
		},
		BadRecipient: tencentRefusesNumber("InvalidParameterValue.IncorrectPhoneNumber"),
		Deny:         tencentRefuses("AuthFailure.SignatureFailure"),
		Fail:         tencentRefuses("InternalError.SendAndRecvFail"),
		Throttle:     tencentRefuses("RequestLimitExceeded"),
		Wait:         time.Second,
	})
}

func TestTencentWire(t *testing.T) {
	extended := approved("13800138000", "code", "code", "123456", "name", "<张三&>")
	extended.Extra = json.RawMessage(`{"extend_code":"42"}`)
	tests := map[string]struct {
		d    channel.Delivery
		want string
	}{
		"parameters go in the template's order": {
			extended,
			`{"PhoneNumberSet":["+8613800138000"],"SmsSdkAppId":"1400000000","SignName":"测试签名","TemplateId":"1000001",` +
				`"TemplateParamSet":["<张三&>","123456"],"SessionContext":"d-1","ExtendCode":"42"}`,
		},
		"a foreign number sees the sender's name": {
			approved("+85200001234", "hello"),
			`{"PhoneNumberSet":["+85200001234"],"SmsSdkAppId":"1400000000","SignName":"商店","TemplateId":"1000002",` +
				`"SessionContext":"d-1","SenderId":"Shop"}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				got = string(b)
				r.Body = io.NopCloser(strings.NewReader(got))
				tencent(w, r)
			}))
			defer s.Close()

			r, err := openTencent(s.URL, s.Client()).Send(t.Context(), tt.d)

			require.NoError(t, err)
			require.Equal(t, channel.Receipt{DeliveryID: "d-1", Provider: "tencent", ID: "5000:1"}, r)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestTencentSignature(t *testing.T) {
	const body = `{"PhoneNumberSet":["+8613800138000"],"SmsSdkAppId":"1400000000","SignName":"测试签名","TemplateId":"1000001",` +
		`"TemplateParamSet":["123456","5"],"SessionContext":"ntf-0001"}`
	at := time.Unix(1704164645, 0)
	sign := func(secret, host, contentType, body string, at time.Time) string {
		req, err := http.NewRequest(http.MethodPost, "https://"+host+"/", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", contentType)
		sms.SignTC3(req, sms.Credentials{ID: "AKIDtestid", Secret: secret}, "ap-guangzhou", "SendSms", at)
		auth := req.Header.Get("Authorization")
		const head = "TC3-HMAC-SHA256 Credential=AKIDtestid/2024-01-02/sms/tc3_request, SignedHeaders=content-type;host, Signature="
		require.True(t, strings.HasPrefix(auth, head), auth)
		return strings.TrimPrefix(auth, head)
	}
	const secret, host, ct = "testsecret", "sms.tencentcloudapi.com", "application/json"
	const want = "db814dddfb65e685a969d2bd26d93783d699849b049f86181219f22a4df5450e"
	require.Equal(t, want, sign(secret, host, ct, body, at))
	require.NotEqual(t, want, sign(flip(secret), host, ct, body, at))
	require.NotEqual(t, want, sign(secret, flip(host), ct, body, at))
	require.NotEqual(t, want, sign(secret, host, flip(ct), body, at))
	require.NotEqual(t, want, sign(secret, host, ct, flip(body), at))
	require.NotEqual(t, want, sign(secret, host, ct, body, at.Add(time.Second)))
}

func TestTencentValid(t *testing.T) {
	o := &sms.TencentOptions{Templates: tencentTemplates()}
	tests := map[string]struct {
		gateway *sms.TencentGateway
		want    string
	}{
		"is":                        {sms.Tencent("id", "key", "1", o), ""},
		"needs an ID":               {sms.Tencent("", "key", "1", o), "secret ID"},
		"needs a key":               {sms.Tencent("id", "", "1", o), "secret key"},
		"needs a key without space": {sms.Tencent("id", "key ", "1", o), "white space"},
		"needs an application":      {sms.Tencent("id", "key", "", o), "SdkAppId"},
		"needs templates":           {sms.Tencent("id", "key", "1", nil), "no Templates"},
		"needs a URL with a scheme": {sms.Tencent("id", "key", "1", &sms.TencentOptions{Templates: tencentTemplates(), BaseURL: "//x"}), "BaseURL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { requireValid(t, tt.gateway, tt.want) })
	}
}

func TestCredentialsThatCannotBeHadAreNotSentWith(t *testing.T) {
	own := errors.New("no key today")
	tests := map[string]struct {
		fail error
		want channel.Kind
	}{
		"is temporary":                 {own, channel.Temporary},
		"is temporary after a timeout": {fmt.Errorf("%w: %w", context.DeadlineExceeded, own), channel.Temporary},
		"keeps its kind":               {fmt.Errorf("%w: %w", channel.Misconfigured, own), channel.Misconfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			none := func(context.Context) (sms.Credentials, error) { return sms.Credentials{}, tt.fail }
			for _, g := range []sms.Gateway{
				sms.Aliyun("", "", &sms.AliyunOptions{Templates: aliyunTemplates(), Sign: "商店", Credentials: none}),
				sms.Tencent("", "", "1400000000", &sms.TencentOptions{Templates: tencentTemplates(), Credentials: none}),
			} {
				c := sms.New(g, nil)
				require.NoError(t, channel.Valid(c))
				_, err := c.Send(t.Context(), approved("+8613800138000", "hello"))
				require.Equal(t, tt.want, channel.KindOf(err))
				require.ErrorIs(t, err, own)
			}
		})
	}
}

func TestCredentialsThatCannotSignAreMisconfigured(t *testing.T) {
	for name, k := range map[string]sms.Credentials{
		"without an ID":               {Secret: "secret"},
		"without a secret":            {ID: "id"},
		"with the end of a line":      {ID: "id\n", Secret: "secret"},
		"with a space in their token": {ID: "id", Secret: "secret", Token: "a b"},
	} {
		t.Run(name, func(t *testing.T) {
			given := func(context.Context) (sms.Credentials, error) { return k, nil }
			const nobody = "http://127.0.0.1:1"
			for _, g := range []sms.Gateway{
				sms.Aliyun("", "", &sms.AliyunOptions{Templates: aliyunTemplates(), Sign: "商店", Credentials: given, BaseURL: nobody}),
				sms.Tencent("", "", "1400000000", &sms.TencentOptions{Templates: tencentTemplates(), Credentials: given, BaseURL: nobody}),
			} {
				_, err := sms.New(g, nil).Send(t.Context(), approved("+8613800138000", "hello"))
				require.ErrorIs(t, err, channel.Misconfigured)
			}
		})
	}
}

func TestTencentCodes(t *testing.T) {
	tests := map[channel.Kind][]string{
		channel.InvalidRecipient: {
			"InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberParseFail", "FailedOperation.PhoneNumberInBlacklist",
		},
		channel.RateLimited: {
			"LimitExceeded.DeliveryFrequencyLimit", "LimitExceeded.GlobalSmsSendingRateLimit", "RequestLimitExceeded",
			"RequestLimitExceeded.UinLimitExceeded",
		},
		channel.Misconfigured: {
			"LimitExceeded.AppDailyLimit", "LimitExceeded.AppMainlandChinaDailyLimit", "LimitExceeded.DailyLimit",
			"FailedOperation.InsufficientBalanceInSmsPackage", "UnauthorizedOperation.RequestIpNotInWhitelist", "UnauthorizedOperation.SdkAppIdIsDisabled",
			"AuthFailure.SignatureFailure", "AuthFailure.SignatureExpire", "AuthFailure.SecretIdNotFound",
			"InvalidParameterValue.SdkAppIdNotExist", "InternalError.RequestTimeException",
		},
		channel.Rejected: {
			"FailedOperation.ContainSensitiveWord", "FailedOperation.SignatureIncorrectOrUnapproved", "FailedOperation.TemplateIncorrectOrUnapproved",
			"FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "FailedOperation.TemplateUnapprovedOrNotExist",
			"InvalidParameter", "InvalidParameterValue.TemplateParameterLengthLimit", "MissingParameter", "MissingParameter.EmptyPhoneNumberSet",
			"UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber", "LimitExceeded.PhoneNumberCountLimit",
			"FailedOperation.NeverHeardOf",
		},
		channel.Temporary: {"InternalError", "InternalError.SendAndRecvFail", "InternalError.OtherError"},
		channel.Uncertain: {"InternalError.Timeout", "NeverHeardOf"},
	}
	for kind, codes := range tests {
		for _, code := range codes {
			t.Run(code, func(t *testing.T) {
				for place, h := range map[string]http.HandlerFunc{
					"on top": tencentRefuses(code), "with the number": tencentRefusesNumber(code),
				} {
					err := answered(t, h, func(s *httptest.Server) channel.Channel { return openTencent(s.URL, s.Client()) },
						approved("+8613800138000", "hello"))
					require.Equal(t, kind, err.Kind, place)
					require.Equal(t, code, err.Code)
					require.NotContains(t, err.Error(), "13800138000")
					require.Contains(t, err.Error(), tencentRequestID)
					if kind == channel.RateLimited {
						require.Equal(t, time.Second, err.RetryAfter)
					}
				}
			})
		}
	}
}

func TestTencentLimitsOnOneMessage(t *testing.T) {
	noon := time.Date(2024, 1, 2, 4, 0, 0, 0, time.UTC) // in Beijing
	tests := map[string]struct {
		now  time.Time
		kind channel.Kind
		wait time.Duration
	}{
		"LimitExceeded.PhoneNumberThirtySecondLimit":     {noon, channel.Temporary, 30 * time.Second},
		"LimitExceeded.PhoneNumberOneHourLimit":          {noon, channel.Unreachable, time.Hour},
		"LimitExceeded.PhoneNumberDailyLimit":            {noon, channel.Unreachable, 12 * time.Hour},
		"LimitExceeded.PhoneNumberSameContentDailyLimit": {noon.Add(6 * time.Hour), channel.Unreachable, 6 * time.Hour},
		"FailedOperation.MarketingSendTimeConstraint":    {noon.Add(10 * time.Hour), channel.Temporary, 10 * time.Hour},
	}
	for code, tt := range tests {
		t.Run(code, func(t *testing.T) {
			kind, wait := sms.TencentVerdict(code, tt.now)
			require.Equal(t, tt.kind, kind)
			require.Equal(t, tt.wait, wait)
		})
	}
	t.Run("before eight it waits till eight the same day", func(t *testing.T) {
		_, wait := sms.TencentVerdict("FailedOperation.MarketingSendTimeConstraint", noon.Add(-5*time.Hour))
		require.Equal(t, time.Hour, wait)
	})
}

func TestTencentStrangeAnswers(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   channel.Kind
	}{
		"an empty page":              {200, "", channel.Uncertain},
		"JSON that is not Tencent's": {200, `{"ok":true}`, channel.Uncertain},
		"no number":                  {200, `{"Response":{"SendStatusSet":[],"RequestId":"1"}}`, channel.Uncertain},
		"two numbers":                {200, `{"Response":{"SendStatusSet":[{"Code":"Ok"},{"Code":"Ok"}]}}`, channel.Uncertain},
		"a number without a code":    {200, `{"Response":{"SendStatusSet":[{"SerialNo":"5000:1"}]}}`, channel.Uncertain},
		"Ok with a failing status":   {502, `{"Response":{"SendStatusSet":[{"Code":"Ok"}]}}`, channel.Uncertain},
		"an error beside Ok":         {200, `{"Response":{"Error":{"Code":"InternalError"},"SendStatusSet":[{"Code":"Ok"}]}}`, channel.Temporary},
		"a bare 502":                 {502, "<html>", channel.Uncertain},
		"a coded 500":                {500, `{"Response":{"Error":{"Code":"NeverHeardOf"}}}`, channel.Temporary},
		"a bare 401":                 {401, "", channel.Misconfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := sms.TencentAnswer(sms.Answer{Status: tt.status, Body: []byte(tt.body)}, signedAt)
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func FuzzTencentAnswer(f *testing.F) {
	f.Add(200, `{"Response":{"SendStatusSet":[{"SerialNo":"5000:1","PhoneNumber":"+8613800138000","Fee":1,"SessionContext":"ntf-0001",`+
		`"Code":"Ok","Message":"send success","IsoCode":"CN"}],"RequestId":"`+tencentRequestID+`"}}`)
	f.Add(200, `{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"…"},"RequestId":"`+tencentRequestID+`"}}`)
	f.Add(200, `{"Response":{"SendStatusSet":[{"Code":"LimitExceeded.PhoneNumberDailyLimit"}]}}`)
	f.Add(502, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		id, err := sms.TencentAnswer(sms.Answer{Status: status, Body: []byte(body)}, signedAt)
		if err == nil {
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, body, "Ok")
			require.LessOrEqual(t, len(id), len(body)*3)
		}
		understood(t, err, err == nil)
	})
}
