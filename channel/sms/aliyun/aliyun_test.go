package aliyun_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
)

var testKey = sms.Credentials{ID: "testid", Secret: "testsecret"}

func templates() sms.Templates {
	return sms.Templates{
		"code":  {ID: "SMS_000000001", Sign: "测试签名", Params: []string{"code", "name"}},
		"hello": {ID: "SMS_000000002"},
	}
}

func open(baseURL string, c *http.Client) *sms.Channel {
	return sms.New(aliyun.New(testKey.ID, testKey.Secret, &aliyun.Options{
		Templates: templates(), Sign: "商店", BaseURL: baseURL, Client: c,
	}), nil)
}

func TestContract(t *testing.T) {
	temporary := sms.Credentials{ID: "STS.testid", Secret: "testsecret", Token: "test-sts-token"}
	sts := func(context.Context) (sms.Credentials, error) { return temporary, nil }
	tests := map[string]struct {
		options aliyun.Options
		vendor  *vendor
	}{
		"access key":   {aliyun.Options{}, &vendor{Credentials: testKey}},
		"STS":          {aliyun.Options{Credentials: sts}, &vendor{Credentials: temporary}},
		"signature V1": {aliyun.Options{Credentials: sts, SignatureV1: true}, &vendor{Credentials: temporary, v1: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			channeltest.HTTP(t, channeltest.Vendor{
				Open: func(_ *testing.T, baseURL string, c *http.Client) channel.Channel {
					o := tt.options
					o.Templates, o.Sign, o.BaseURL, o.Client = templates(), "商店", baseURL, c
					return sms.New(aliyun.New(testKey.ID, testKey.Secret, &o), nil)
				},
				Delivery:     smstest.Approved("+8613800138000", "code", "name", "张三丰真人", "code", "1234 *~+"),
				Secrets:      []string{"testsecret", "test-sts-token", "Signature="},
				Accept:       tt.vendor.ServeHTTP,
				BadRecipient: refuses(http.StatusOK, "isv.MOBILE_NUMBER_ILLEGAL", "13800138000invalid mobile number"),
				Deny:         refuses(http.StatusNotFound, "InvalidAccessKeyId.NotFound", "Specified access key is not found."),
				Fail:         refuses(http.StatusOK, "isp.SYSTEM_ERROR", "SYSTEM_ERROR"),
				Throttle: func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("x-ratelimit-user-api", "Limit:1,Remain:0,TimeLeft:2000,Reset:1234")
					w.Header().Set("x-ratelimit-user", "Limit:1,Remain:0,TimeLeft:30000,Reset:1234")
					refuses(http.StatusBadRequest, "Throttling.User", "Request was denied due to user flow control.")(w, r)
				},
			})
		})
	}
}

func TestWire(t *testing.T) {
	tests := map[string]struct {
		d    channel.Delivery
		want url.Values
	}{
		"a mainland number goes without its country code": {
			smstest.Approved("+86 138 0013 8000", "code", "name", "张三", "code", "<&>"),
			url.Values{
				"PhoneNumbers": {"13800138000"}, "SignName": {"测试签名"}, "TemplateCode": {"SMS_000000001"}, "OutId": {"d-1"},
				"TemplateParam": {`{"code":"<&>","name":"张三"}`},
			},
		},
		"a foreign number goes without its plus": {
			smstest.Approved("+85200001234", "hello"),
			url.Values{"PhoneNumbers": {"85200001234"}, "SignName": {"商店"}, "TemplateCode": {"SMS_000000002"}, "OutId": {"d-1"}},
		},
		"a mainland number that is no mobile keeps its country code": {
			smstest.Approved("+861012345678", "hello"),
			url.Values{"PhoneNumbers": {"861012345678"}, "SignName": {"商店"}, "TemplateCode": {"SMS_000000002"}, "OutId": {"d-1"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got url.Values
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.URL.Query()
				(&vendor{Credentials: testKey}).ServeHTTP(w, r)
			}))
			defer s.Close()

			r, err := open(s.URL, s.Client()).Send(t.Context(), tt.d)

			require.NoError(t, err)
			require.Equal(t, channel.Receipt{DeliveryID: "d-1", Provider: "aliyun", ID: "900619746936498440^0"}, r)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestExtendCode(t *testing.T) {
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.Query().Get("SmsUpExtendCode")
		fmt.Fprint(w, `{"Code":"OK"}`)
	}))
	defer s.Close()
	d := smstest.Approved("+8613800138000", "hello")
	d.Extra = json.RawMessage(`{"extend_code":"42"}`)
	_, err := open(s.URL, s.Client()).Send(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, "42", got)
}

func TestValid(t *testing.T) {
	good := func() aliyun.Options { return aliyun.Options{Templates: templates(), Sign: "商店"} }
	tests := map[string]struct {
		id, secret string
		change     func(*aliyun.Options)
		want       string // "" if it is valid
	}{
		"is":                             {"id", "secret", func(*aliyun.Options) {}, ""},
		"needs a key":                    {"", "secret", func(*aliyun.Options) {}, "access key"},
		"needs a secret":                 {"id", "", func(*aliyun.Options) {}, "access key"},
		"needs a key without its line":   {"id\n", "secret", func(*aliyun.Options) {}, "white space"},
		"needs templates":                {"id", "secret", func(o *aliyun.Options) { o.Templates = nil }, "Templates is required"},
		"needs a sign for each template": {"id", "secret", func(o *aliyun.Options) { o.Sign = "" }, `"hello": Sign is required`},
		"needs an ID for each template": {"id", "secret", func(o *aliyun.Options) {
			o.Templates["bye"] = sms.Template{}
		}, `"bye": ID is required`},
		"needs distinct parameters": {"id", "secret", func(o *aliyun.Options) {
			o.Templates["bye"] = sms.Template{ID: "1", Params: []string{"a", "b", "a"}}
		}, `"bye": names of parameters must be distinct`},
		"needs a URL": {"id", "secret", func(o *aliyun.Options) { o.BaseURL = "dysmsapi.aliyuncs.com" }, "BaseURL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := good()
			tt.change(&o)
			smstest.Valid(t, aliyun.New(tt.id, tt.secret, &o), tt.want)
		})
	}
	require.Error(t, channel.Valid(sms.New(aliyun.New("id", "secret", nil), nil)))
}

func TestWithoutTemplatesTakesNoFreeText(t *testing.T) {
	err := sms.New(aliyun.New("id", "secret", nil), nil).Validate(smstest.Text("+8613800138000", "hello"))
	require.ErrorIs(t, err, channel.Rejected)
}
