package twilio_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
	"github.com/e7ddda3c/notify/channel/sms/twilio"
)

func open(baseURL string, c *http.Client) *sms.Channel {
	return sms.New(twilio.New("ACtestid", "testsecret", "+15005550001", &twilio.Options{BaseURL: baseURL, Client: c}), nil)
}

func TestContract(t *testing.T) {
	channeltest.HTTP(t, channeltest.Vendor{
		Open: func(_ *testing.T, baseURL string, c *http.Client) channel.Channel {
			return sms.New(twilio.New("ACtestid", "testsecret", "+15005550001", &twilio.Options{
				StatusCallback: "https://example.com/hooks/twilio?tenant=1", BaseURL: baseURL, Client: c,
			}), nil)
		},
		Delivery:     smstest.Text("+15005550006", "Your parcel is here & waits"),
		Secrets:      []string{"testsecret", "ACtestid", "example.com"},
		Accept:       vendor("ACtestid"),
		BadRecipient: refuses(http.StatusBadRequest, 21211),
		Deny:         refuses(http.StatusUnauthorized, 20003),
		Throttle: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "30")
			refuses(http.StatusTooManyRequests, 20429)(w, r)
		},
		Fail: refuses(http.StatusInternalServerError, 20500),
	})
}

func TestWire(t *testing.T) {
	now := time.Now()
	tests := map[string]struct {
		from    string
		options twilio.Options
		m       sms.SMS
		want    url.Values
	}{
		"a number sends": {
			"+15005550001", twilio.Options{}, sms.SMS{},
			url.Values{"From": {"+15005550001"}},
		},
		"a name sends": {
			"MGShop", twilio.Options{}, sms.SMS{},
			url.Values{"From": {"MGShop"}},
		},
		"a Messaging Service sends": {
			"MG00000000000000000000000000000001", twilio.Options{}, sms.SMS{},
			url.Values{"MessagingServiceSid": {"MG00000000000000000000000000000001"}},
		},
		"the callback knows the delivery": {
			"Shop", twilio.Options{StatusCallback: "https://example.com/hooks/twilio?tenant=1"}, sms.SMS{ID: "d-1"},
			url.Values{"From": {"Shop"}, "StatusCallback": {"https://example.com/hooks/twilio?delivery_id=d-1&tenant=1"}},
		},
		"what expires soon tells so": {
			"Shop", twilio.Options{}, sms.SMS{ExpireAt: now.Add(90 * time.Second)},
			url.Values{"From": {"Shop"}, "ValidityPeriod": {"90"}},
		},
		"what expires at once has a second": {
			"Shop", twilio.Options{}, sms.SMS{ExpireAt: now},
			url.Values{"From": {"Shop"}, "ValidityPeriod": {"1"}},
		},
		"what expires late does not": {
			"Shop", twilio.Options{}, sms.SMS{ExpireAt: now.Add(10 * time.Hour)},
			url.Values{"From": {"Shop"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.m.To, tt.m.Text = "+15005550006", "hello"
			tt.want.Set("To", "+15005550006")
			tt.want.Set("Body", "hello")
			require.Equal(t, tt.want, twilio.Form(twilio.New("ACtestid", "testsecret", tt.from, &tt.options), tt.m, now))
		})
	}
}

func TestReceipt(t *testing.T) {
	s := httptest.NewServer(vendor("ACtestid"))
	defer s.Close()
	r, err := open(s.URL, s.Client()).Send(t.Context(), smstest.Text("+1 500 555 0006", "hello"))
	require.NoError(t, err)
	require.Equal(t, channel.Receipt{DeliveryID: "d-1", Provider: "twilio", ID: "SM00000000000000000000000000000001"}, r)
}

func TestWithAnAPIKey(t *testing.T) {
	s := httptest.NewServer(vendor("SKtestid"))
	defer s.Close()
	g := twilio.New("ACtestid", "testsecret", "Shop", &twilio.Options{APIKeySID: "SKtestid", BaseURL: s.URL})
	_, err := sms.New(g, nil).Send(t.Context(), smstest.Text("+15005550006", "hello"))
	require.NoError(t, err)
}

func TestValidate(t *testing.T) {
	c := sms.New(twilio.New("ACtestid", "testsecret", "Shop", nil), &sms.Options{MaxSegments: -1})
	require.NoError(t, c.Validate(smstest.Text("+15005550006", strings.Repeat("你", 1600))))
	var e *channel.Error
	require.ErrorAs(t, c.Validate(smstest.Text("+15005550006", strings.Repeat("你", 1601))), &e)
	require.Equal(t, "content.text", e.Field)

	d := smstest.Text("+15005550006", "hello")
	d.Extra = json.RawMessage(`{"extend_code":"42"}`)
	require.ErrorAs(t, c.Validate(d), &e)
	require.Equal(t, "extra.extend_code", e.Field)
}

func TestValid(t *testing.T) {
	tests := map[string]struct {
		gateway *twilio.Gateway
		want    string
	}{
		"is":                             {twilio.New("AC", "token", "Shop", nil), ""},
		"is with a callback":             {twilio.New("AC", "token", "Shop", &twilio.Options{StatusCallback: "https://example.com/x"}), ""},
		"needs an account":               {twilio.New("", "token", "Shop", nil), "account SID"},
		"needs a token":                  {twilio.New("AC", "", "Shop", nil), "auth token"},
		"needs a sender":                 {twilio.New("AC", "token", "", nil), "sender"},
		"needs a URL":                    {twilio.New("AC", "token", "Shop", &twilio.Options{BaseURL: "ftp://x"}), "BaseURL"},
		"needs a callback that is a URL": {twilio.New("AC", "token", "Shop", &twilio.Options{StatusCallback: "/x"}), "StatusCallback"},
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
		"an empty page":                   {201, "", channel.Uncertain},
		"JSON that is not Twilio's":       {201, `{"ok":true}`, channel.Uncertain},
		"a message with a failing status": {502, `{"sid":"SM1","status":"queued"}`, channel.Uncertain},
		"a message that failed at once":   {201, `{"sid":"SM1","status":"failed","error_code":30006}`, channel.InvalidRecipient},
		"one that does not say why":       {201, `{"sid":"SM1","status":"undelivered","error_code":null}`, channel.Uncertain},
		"an unknown code in a 500":        {500, `{"code":29999,"status":500}`, channel.Temporary},
		"an unknown code in a 401":        {401, `{"code":29999,"status":401}`, channel.Misconfigured},
		"a bare 500":                      {500, "", channel.Uncertain},
		"a bare 429":                      {429, "", channel.RateLimited},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := twilio.ReadAnswer(httpsend.Answer{Status: tt.status, Body: []byte(tt.body)})
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(201, `{"sid":"SM00000000000000000000000000000001","status":"queued","num_segments":"1","error_code":null}`)
	f.Add(201, `{"sid":"SM1","status":"failed","error_code":30006}`)
	f.Add(400, `{"code":21211,"message":"Invalid 'To'","more_info":"https://www.twilio.com/docs/errors/21211","status":400}`)
	f.Add(502, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		sid, err := twilio.ReadAnswer(httpsend.Answer{Status: status, Body: []byte(body)})
		if err == nil {
			require.NotEmpty(t, sid)
			require.Equal(t, 2, status/100)
		}
		smstest.Understood(t, err, err == nil)
	})
}
