package twilio_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
	"github.com/e7ddda3c/notify/channel/sms/twilio"
)

const (
	hook = "https://example.com/hooks/twilio"
	sid  = "SM00000000000000000000000000000001"
)

// status returns the form that Twilio posts about a message.
func status(s, code string) url.Values {
	v := url.Values{
		"AccountSid": {"ACtestid"}, "ApiVersion": {"2010-04-01"}, "From": {"+15005550001"}, "To": {"+15005550006"},
		"MessageSid": {sid}, "SmsSid": {sid}, "MessageStatus": {s}, "SmsStatus": {s},
	}
	if code != "" {
		v.Set("ErrorCode", code)
	}
	return v
}

// sign returns Twilio's signature of a call.
func sign(called string, form url.Values) string {
	h := hmac.New(sha1.New, []byte("testsecret"))
	h.Write([]byte(called))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Sorted(slices.Values(form[name])) {
			h.Write([]byte(name + value))
		}
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// post calls h as a proxy would: under another host, with the query that Twilio used.
func post(h http.Handler, query string, form url.Values, signature string) int {
	r := httptest.NewRequest(http.MethodPost, "http://10.0.0.7:8080/inner"+query, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Twilio-Signature", signature)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestCallback(t *testing.T) {
	tests := map[string]struct {
		status, code string
		want         channel.Receipt
	}{
		"queued":          {status: "queued"},
		"accepted":        {status: "accepted"},
		"scheduled":       {status: "scheduled"},
		"sending":         {status: "sending"},
		"one of tomorrow": {status: "teleported"},
		"sent":            {"sent", "", channel.Receipt{Event: channel.Sent}},
		"delivered":       {"delivered", "", channel.Receipt{Event: channel.Delivered}},
		"read":            {"read", "", channel.Receipt{Event: channel.Read}},
		"canceled":        {"canceled", "", channel.Receipt{Event: channel.Bounced, Kind: channel.Unreachable}},
		"switched off":    {"undelivered", "30003", channel.Receipt{Event: channel.Bounced, Code: "30003", Kind: channel.Unreachable}},
		"unknown handset": {"undelivered", "30005", channel.Receipt{Event: channel.Bounced, Code: "30005", Kind: channel.InvalidRecipient}},
		"landline":        {"failed", "30006", channel.Receipt{Event: channel.Bounced, Code: "30006", Kind: channel.InvalidRecipient}},
		"opted out":       {"failed", "21610", channel.Receipt{Event: channel.Bounced, Code: "21610", Kind: channel.InvalidRecipient}},
		"taken for spam":  {"undelivered", "30007", channel.Receipt{Event: channel.Bounced, Code: "30007", Kind: channel.Rejected}},
		"no balance":      {"failed", "30002", channel.Receipt{Event: channel.Bounced, Code: "30002", Kind: channel.Unreachable}},
		"no code":         {"failed", "", channel.Receipt{Event: channel.Bounced, Kind: channel.Unreachable}},
		"a code of words": {"failed", "oh no +15005550006", channel.Receipt{Event: channel.Bounced, Kind: channel.Unreachable}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &smstest.Sink{}
			form := status(tt.status, tt.code)
			const query = "?delivery_id=d-1&tenant=1"
			require.Equal(t, http.StatusNoContent, post(twilio.Callback("testsecret", hook+"?tenant=1#rc=5&rp=all", s.Take), query, form, sign(hook+query, form)))
			if tt.want.Event == "" {
				require.Empty(t, s.Got)
				return
			}
			require.Len(t, s.Got, 1)
			require.WithinDuration(t, time.Now(), s.Got[0].At, time.Minute)
			s.Got[0].At = time.Time{}
			tt.want.DeliveryID, tt.want.Provider, tt.want.ID = "d-1", "twilio", sid
			require.Equal(t, tt.want, s.Got[0])
		})
	}
}

func TestCallbackTakesTwiliosOwnExample(t *testing.T) {
	s := &smstest.Sink{}
	code := post(twilio.Callback("testsecret", hook, s.Take), "?tenant=1", status("delivered", ""), "WSvRoMukjn8wp9GQLbWWUH81Mw4=")
	require.Equal(t, http.StatusNoContent, code)
	require.Equal(t, sid, s.Got[0].ID)
	require.Empty(t, s.Got[0].DeliveryID)
}

func TestCallbackRefusesWhatIsNotSigned(t *testing.T) {
	s := &smstest.Sink{}
	h := twilio.Callback("testsecret", hook, s.Take)
	form := status("delivered", "")
	good := sign(hook+"?delivery_id=d-1", form)
	require.Equal(t, http.StatusNoContent, post(h, "?delivery_id=d-1", form, good))

	raw, err := base64.StdEncoding.DecodeString(good)
	require.NoError(t, err)
	for bit := range len(raw) * 8 {
		wrong := slices.Clone(raw)
		wrong[bit/8] ^= 1 << (bit % 8)
		require.Equal(t, http.StatusForbidden, post(h, "?delivery_id=d-1", form, base64.StdEncoding.EncodeToString(wrong)))
	}
	for _, wrong := range []string{"", good[:len(good)-1], good + "=", " " + good} {
		require.Equal(t, http.StatusForbidden, post(h, "?delivery_id=d-1", form, wrong))
	}
	for name := range form {
		changed := maps.Clone(form)
		changed[name] = []string{smstest.Flip(form.Get(name))}
		require.Equal(t, http.StatusForbidden, post(h, "?delivery_id=d-1", changed, good), name)
	}
	more := maps.Clone(form)
	more.Set("ErrorCode", "30005")
	require.Equal(t, http.StatusForbidden, post(h, "?delivery_id=d-1", more, good))
	for _, query := range []string{"", "?delivery_id=d-2", "?delivery_id=d-1&x=1", "?bodySHA256=" + strings.Repeat("0", 64)} {
		require.Equal(t, http.StatusForbidden, post(h, query, form, good))
	}
	require.Equal(t, http.StatusForbidden, post(twilio.Callback("testsecreu", hook, s.Take), "?delivery_id=d-1", form, good))
	require.Len(t, s.Got, 1)
}

func TestCallbackThatTheSinkRefuses(t *testing.T) {
	s := &smstest.Sink{Fail: func(channel.Receipt) bool { return true }}
	h := twilio.Callback("testsecret", hook, s.Take)
	form := status("delivered", "")
	require.Equal(t, http.StatusServiceUnavailable, post(h, "", form, sign(hook, form)))
	form = status("queued", "")
	require.Equal(t, http.StatusNoContent, post(h, "", form, sign(hook, form)), "it would only come again")
}

func TestCallbacksThatAreNone(t *testing.T) {
	s := &smstest.Sink{}
	h := twilio.Callback("testsecret", hook, s.Take)
	require.Equal(t, http.StatusMethodNotAllowed, smstest.Call(h, http.MethodGet, "/", "").Code)
	require.Equal(t, http.StatusBadRequest, smstest.Call(h, http.MethodPost, "/", "a=%zz").Code)
	require.Equal(t, http.StatusBadRequest, smstest.Call(h, http.MethodPost, "/", strings.Repeat("a", 1<<20+1)).Code)
	require.Equal(t, http.StatusForbidden, smstest.Call(h, http.MethodPost, "/", "").Code)
	empty := url.Values{"MessageStatus": {"delivered"}}
	require.Equal(t, http.StatusBadRequest, post(h, "", empty, sign(hook, empty)), "it names nothing")
	require.Empty(t, s.Got)
}

func TestCallbackCannotBeOpenedWithoutATokenOrURL(t *testing.T) {
	take := (&smstest.Sink{}).Take
	require.Panics(t, func() { twilio.Callback("", hook, take) })
	require.Panics(t, func() { twilio.Callback("testsecret", "", take) })
	require.Panics(t, func() { twilio.Callback("testsecret", "/hooks/twilio", take) })
	require.Panics(t, func() { twilio.Callback("testsecret", hook, nil) })
}

func FuzzReceipt(f *testing.F) {
	f.Add("d-1", status("undelivered", "30005").Encode())
	f.Add("", "MessageStatus=failed&ErrorCode=99999999999999999999")
	f.Add("d-1", "MessageStatus=failed&ErrorCode=30003&ErrorCode=2")
	f.Fuzz(func(t *testing.T, id, form string) {
		v, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		s := &smstest.Sink{}
		query := "?" + url.Values{"delivery_id": {id}}.Encode()
		code := post(twilio.Callback("testsecret", hook, s.Take), query, v, sign(hook+query, v))
		require.Contains(t, []int{http.StatusNoContent, http.StatusBadRequest}, code)
		for _, r := range s.Got {
			require.Equal(t, r.Event == channel.Bounced, r.Kind != "")
			require.LessOrEqual(t, len(r.Code), 100)
		}
	})
}
