package sms_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/sms"
)

func openTwilio(baseURL string, c *http.Client) *sms.Channel {
	return sms.New(sms.Twilio("ACtestid", "testsecret", "+15005550001", &sms.TwilioOptions{BaseURL: baseURL, Client: c}), nil)
}

func TestTwilioContract(t *testing.T) {
	channeltest.HTTP(t, channeltest.Vendor{
		Open: func(_ *testing.T, baseURL string, c *http.Client) channel.Channel {
			return sms.New(sms.Twilio("ACtestid", "testsecret", "+15005550001", &sms.TwilioOptions{
				StatusCallback: "https://example.com/hooks/twilio?tenant=1", BaseURL: baseURL, Client: c,
			}), nil)
		},
		Delivery:     text("+15005550006", "Your parcel is here & waits"),
		Secrets:      []string{"testsecret", "ACtestid", "example.com"},
		Accept:       twilio("ACtestid"),
		BadRecipient: twilioRefuses(http.StatusBadRequest, 21211),
		Deny:         twilioRefuses(http.StatusUnauthorized, 20003),
		Throttle: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "30")
			twilioRefuses(http.StatusTooManyRequests, 20429)(w, r)
		},
		Fail: twilioRefuses(http.StatusInternalServerError, 20500),
	})
}

func TestTwilioWire(t *testing.T) {
	now := time.Now()
	tests := map[string]struct {
		from    string
		options sms.TwilioOptions
		m       sms.SMS
		want    url.Values
	}{
		"a number sends": {
			"+15005550001", sms.TwilioOptions{}, sms.SMS{},
			url.Values{"From": {"+15005550001"}},
		},
		"a name sends": {
			"MGShop", sms.TwilioOptions{}, sms.SMS{},
			url.Values{"From": {"MGShop"}},
		},
		"a Messaging Service sends": {
			"MG00000000000000000000000000000001", sms.TwilioOptions{}, sms.SMS{},
			url.Values{"MessagingServiceSid": {"MG00000000000000000000000000000001"}},
		},
		"the callback knows the delivery": {
			"Shop", sms.TwilioOptions{StatusCallback: "https://example.com/hooks/twilio?tenant=1"}, sms.SMS{ID: "d-1"},
			url.Values{"From": {"Shop"}, "StatusCallback": {"https://example.com/hooks/twilio?delivery_id=d-1&tenant=1"}},
		},
		"what expires soon tells so": {
			"Shop", sms.TwilioOptions{}, sms.SMS{ExpireAt: now.Add(90 * time.Second)},
			url.Values{"From": {"Shop"}, "ValidityPeriod": {"90"}},
		},
		"what expires at once has a second": {
			"Shop", sms.TwilioOptions{}, sms.SMS{ExpireAt: now},
			url.Values{"From": {"Shop"}, "ValidityPeriod": {"1"}},
		},
		"what expires late does not": {
			"Shop", sms.TwilioOptions{}, sms.SMS{ExpireAt: now.Add(10 * time.Hour)},
			url.Values{"From": {"Shop"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.m.To, tt.m.Text = "+15005550006", "hello"
			tt.want.Set("To", "+15005550006")
			tt.want.Set("Body", "hello")
			require.Equal(t, tt.want, sms.TwilioForm(sms.Twilio("ACtestid", "testsecret", tt.from, &tt.options), tt.m, now))
		})
	}
}

func TestTwilioReceipt(t *testing.T) {
	s := httptest.NewServer(twilio("ACtestid"))
	defer s.Close()
	r, err := openTwilio(s.URL, s.Client()).Send(t.Context(), text("+1 500 555 0006", "hello"))
	require.NoError(t, err)
	require.Equal(t, channel.Receipt{DeliveryID: "d-1", Provider: "twilio", ID: "SM00000000000000000000000000000001"}, r)
}

func TestTwilioWithAnAPIKey(t *testing.T) {
	s := httptest.NewServer(twilio("SKtestid"))
	defer s.Close()
	g := sms.Twilio("ACtestid", "testsecret", "Shop", &sms.TwilioOptions{APIKeySID: "SKtestid", BaseURL: s.URL})
	_, err := sms.New(g, nil).Send(t.Context(), text("+15005550006", "hello"))
	require.NoError(t, err)
}

func TestTwilioValidate(t *testing.T) {
	c := sms.New(sms.Twilio("ACtestid", "testsecret", "Shop", nil), &sms.Options{MaxSegments: -1})
	require.NoError(t, c.Validate(text("+15005550006", strings.Repeat("你", 1600))))
	var e *channel.Error
	require.ErrorAs(t, c.Validate(text("+15005550006", strings.Repeat("你", 1601))), &e)
	require.Equal(t, "content.text", e.Field)

	d := text("+15005550006", "hello")
	d.Extra = json.RawMessage(`{"extend_code":"42"}`)
	require.ErrorAs(t, c.Validate(d), &e)
	require.Equal(t, "extra.extend_code", e.Field)
}

func TestTwilioValid(t *testing.T) {
	tests := map[string]struct {
		gateway *sms.TwilioGateway
		want    string
	}{
		"is":                             {sms.Twilio("AC", "token", "Shop", nil), ""},
		"is with a callback":             {sms.Twilio("AC", "token", "Shop", &sms.TwilioOptions{StatusCallback: "https://example.com/x"}), ""},
		"needs an account":               {sms.Twilio("", "token", "Shop", nil), "account SID"},
		"needs a token":                  {sms.Twilio("AC", "", "Shop", nil), "auth token"},
		"needs a sender":                 {sms.Twilio("AC", "token", "", nil), "sender"},
		"needs a URL":                    {sms.Twilio("AC", "token", "Shop", &sms.TwilioOptions{BaseURL: "ftp://x"}), "BaseURL"},
		"needs a callback that is a URL": {sms.Twilio("AC", "token", "Shop", &sms.TwilioOptions{StatusCallback: "/x"}), "StatusCallback"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { requireValid(t, tt.gateway, tt.want) })
	}
}

func TestTwilioCodes(t *testing.T) {
	tests := map[channel.Kind][]int{
		channel.Misconfigured:    {20003, 20005, 20404, 21606, 21659, 21660, 21212, 30002, 21408, 30032, 30034},
		channel.InvalidRecipient: {21211, 21214, 21614, 21610, 21612, 30004, 30005, 30006},
		channel.Rejected:         {21602, 21619, 21603, 21604, 21617, 21620, 30007, 30010, 30036, 29999},
		channel.RateLimited:      {20429, 21611, 14107, 30022},
		channel.Temporary:        {20500, 20503, 30001, 30003, 30008},
	}
	waits := map[int]time.Duration{20429: time.Second, 21611: time.Minute, 14107: time.Minute, 30022: time.Second}
	for kind, codes := range tests {
		for _, code := range codes {
			t.Run(strconv.Itoa(code), func(t *testing.T) {
				err := answered(t, twilioRefuses(http.StatusBadRequest, code), func(s *httptest.Server) channel.Channel {
					return openTwilio(s.URL, s.Client())
				}, text("+15005550006", "hello"))
				require.Equal(t, kind, err.Kind)
				require.Equal(t, strconv.Itoa(code), err.Code)
				require.Equal(t, waits[code], err.RetryAfter)
				require.NotContains(t, err.Error(), "15005550006")
			})
		}
	}
}

func TestTwilioStrangeAnswers(t *testing.T) {
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
			_, err := sms.TwilioAnswer(sms.Answer{Status: tt.status, Body: []byte(tt.body)})
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func TestTwilioSignature(t *testing.T) {
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
		"made with a default port": {"http://example.com/", url.Values{}, "", sha1Base64("testsecret", "http://example.com:80/")},
		"made with another port":   {"https://example.com:8443/", url.Values{}, "", sha1Base64("testsecret", "https://example.com:8443/")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			check := func(token, url string, form url.Values, body, signature string) bool {
				return sms.SignedByTwilio(token, url, form, []byte(body), signature)
			}
			require.True(t, check("testsecret", tt.url, tt.form, tt.body, tt.signature))
			require.False(t, check(flip("testsecret"), tt.url, tt.form, tt.body, tt.signature))
			require.False(t, check("testsecret", flip(tt.url), tt.form, tt.body, tt.signature))
			require.False(t, check("testsecret", tt.url, tt.form, tt.body, flip(tt.signature)))
			require.False(t, check("testsecret", tt.url, tt.form, tt.body, ""))
			if tt.form == nil {
				require.False(t, check("testsecret", tt.url, nil, flip(tt.body), tt.signature))
			}
			for k, v := range tt.form {
				if v[0] == "" {
					continue
				}
				tt.form[k] = []string{flip(v[0])}
				require.False(t, check("testsecret", tt.url, tt.form, tt.body, tt.signature), k)
				tt.form[k] = v
			}
		})
	}
}

func TestTwilioSignatureNeedsTheDigestOfABody(t *testing.T) {
	const u = "https://example.com/hooks/twilio-json"
	require.False(t, sms.SignedByTwilio("testsecret", u, nil, []byte(`{}`), sha1Base64("testsecret", u)))
	require.False(t, sms.SignedByTwilio("testsecret", "://", url.Values{}, nil, sha1Base64("testsecret", "://")))
}

func FuzzTwilioAnswer(f *testing.F) {
	f.Add(201, `{"sid":"SM00000000000000000000000000000001","status":"queued","num_segments":"1","error_code":null}`)
	f.Add(201, `{"sid":"SM1","status":"failed","error_code":30006}`)
	f.Add(400, `{"code":21211,"message":"Invalid 'To'","more_info":"https://www.twilio.com/docs/errors/21211","status":400}`)
	f.Add(502, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		sid, err := sms.TwilioAnswer(sms.Answer{Status: status, Body: []byte(body)})
		if err == nil {
			require.NotEmpty(t, sid)
			require.Equal(t, 2, status/100)
		}
		understood(t, err, err == nil)
	})
}

func sha1Base64(key, text string) string {
	m := hmac.New(sha1.New, []byte(key))
	m.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func twilioRefuses(status, code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"code":%d,"message":"The number +15005550006 is at fault.","more_info":"https://www.twilio.com/docs/errors/%d","status":%d}`,
			code, code, status)
	}
}

// twilio stands in for the vendor.
func twilio(user string) http.HandlerFunc {
	number := regexp.MustCompile(`^\+[1-9]\d{1,14}$`)
	return func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		switch {
		case r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/ACtestid/Messages.json":
			twilioRefuses(http.StatusNotFound, 20404)(w, r)
		case name != user || password != "testsecret":
			twilioRefuses(http.StatusUnauthorized, 20003)(w, r)
		case !number.MatchString(r.PostFormValue("To")):
			twilioRefuses(http.StatusBadRequest, 21211)(w, r)
		case r.PostFormValue("From") == "" && r.PostFormValue("MessagingServiceSid") == "":
			twilioRefuses(http.StatusBadRequest, 21603)(w, r)
		case r.PostFormValue("Body") == "":
			twilioRefuses(http.StatusBadRequest, 21602)(w, r)
		default:
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"sid":"SM00000000000000000000000000000001","status":"queued","num_segments":"1","error_code":null,"error_message":null}`)
		}
	}
}
