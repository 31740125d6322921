package tencent_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
)

var answeredAt = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

func templates() sms.Templates {
	return sms.Templates{
		"code":  {ID: "1000001", Sign: "测试签名", Params: []string{"name", "code"}},
		"hello": {ID: "1000002"},
	}
}

func open(baseURL string, c *http.Client) *sms.Channel {
	return sms.New(tencent.New("AKIDtestid", "testsecret", "1400000000", &tencent.Options{
		Templates: templates(), Sign: "商店", SenderID: "Shop", BaseURL: baseURL, Client: c,
	}), nil)
}

func TestContract(t *testing.T) {
	sts := func(context.Context) (sms.Credentials, error) {
		return sms.Credentials{ID: "AKIDtestid", Secret: "testsecret", Token: "test-sts-token"}, nil
	}
	channeltest.HTTP(t, channeltest.Vendor{
		Open: func(_ *testing.T, baseURL string, c *http.Client) channel.Channel {
			return sms.New(tencent.New("", "", "1400000000", &tencent.Options{
				Templates: templates(), Credentials: sts, BaseURL: baseURL, Client: c,
			}), nil)
		},
		Delivery: smstest.Approved("+8613800138000", "code", "code", "1234 <*~+>", "name", "张三丰真人"),
		Secrets:  []string{"testsecret", "test-sts-token", "Signature="},
		Accept: func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-TC-Token") != "test-sts-token" {
				refuses("AuthFailure.TokenFailure")(w, r)
				return
			}
			vendor(w, r)
		},
		BadRecipient: refusesNumber("InvalidParameterValue.IncorrectPhoneNumber"),
		Deny:         refuses("AuthFailure.SignatureFailure"),
		Fail:         refuses("InternalError.SendAndRecvFail"),
		Throttle:     refuses("RequestLimitExceeded"),
		Wait:         time.Second,
	})
}

func TestWire(t *testing.T) {
	extended := smstest.Approved("13800138000", "code", "code", "123456", "name", "<张三&>")
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
			smstest.Approved("+85200001234", "hello"),
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
				vendor(w, r)
			}))
			defer s.Close()

			r, err := open(s.URL, s.Client()).Send(t.Context(), tt.d)

			require.NoError(t, err)
			require.Equal(t, channel.Receipt{DeliveryID: "d-1", Provider: "tencent", ID: "5000:1"}, r)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestValid(t *testing.T) {
	o := &tencent.Options{Templates: templates()}
	tests := map[string]struct {
		gateway *tencent.Gateway
		want    string
	}{
		"is":                        {tencent.New("id", "key", "1", o), ""},
		"needs an ID":               {tencent.New("", "key", "1", o), "secret ID"},
		"needs a key":               {tencent.New("id", "", "1", o), "secret key"},
		"needs a key without space": {tencent.New("id", "key ", "1", o), "white space"},
		"needs an application":      {tencent.New("id", "key", "", o), "SdkAppId"},
		"needs templates":           {tencent.New("id", "key", "1", nil), "Templates is required"},
		"needs a URL with a scheme": {tencent.New("id", "key", "1", &tencent.Options{Templates: templates(), BaseURL: "//x"}), "BaseURL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { smstest.Valid(t, tt.gateway, tt.want) })
	}
}

func TestStrangeAnswers(t *testing.T) {
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
			_, err := tencent.ReadAnswer(httpsend.Answer{Status: tt.status, Body: []byte(tt.body)}, answeredAt)
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"Response":{"SendStatusSet":[{"SerialNo":"5000:1","PhoneNumber":"+8613800138000","Fee":1,"SessionContext":"ntf-0001",`+
		`"Code":"Ok","Message":"send success","IsoCode":"CN"}],"RequestId":"`+requestID+`"}}`)
	f.Add(200, `{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"…"},"RequestId":"`+requestID+`"}}`)
	f.Add(200, `{"Response":{"SendStatusSet":[{"Code":"LimitExceeded.PhoneNumberDailyLimit"}]}}`)
	f.Add(502, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		id, err := tencent.ReadAnswer(httpsend.Answer{Status: status, Body: []byte(body)}, answeredAt)
		if err == nil {
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, body, "Ok")
			require.LessOrEqual(t, len(id), len(body)*3)
		}
		smstest.Understood(t, err, err == nil)
	})
}
