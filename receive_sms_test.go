package notify_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/twilio"
	"github.com/e7ddda3c/notify/store/memory"
)

// A twilioServer accepts messages and keeps the callback URL of each.
type twilioServer struct{ callbacks []string }

func (tw *twilioServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tw.callbacks = append(tw.callbacks, r.FormValue("StatusCallback"))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"sid":"SM%d","status":"queued"}`, len(tw.callbacks))
}

// report calls back about the nth message, and returns the status of the answer.
func (tw *twilioServer) report(h http.Handler, n int, status, code string) int {
	form := url.Values{"MessageSid": {fmt.Sprintf("SM%d", n)}, "MessageStatus": {status}}
	if code != "" {
		form.Set("ErrorCode", code)
	}
	mac := hmac.New(sha1.New, []byte("authToken"))
	mac.Write([]byte(tw.callbacks[n-1]))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		mac.Write([]byte(name + form.Get(name)))
	}
	r := httptest.NewRequest(http.MethodPost, tw.callbacks[n-1], strings.NewReader(form.Encode()))
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestWhatTwilioReportsReachesTheLog(t *testing.T) {
	const hook = "https://example.com/hooks/twilio"
	tw := &twilioServer{}
	srv := httptest.NewServer(tw)
	defer srv.Close()
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{
		"sms": sms.New(twilio.New("ACtestid", "authToken", "Shop", &twilio.Options{StatusCallback: hook, BaseURL: srv.URL}), nil),
	}})
	h := twilio.Callback("authToken", hook, n.Receive)
	first, second := sent(t, n, text("+15005550006")), sent(t, n, text("+15005550007"))

	require.Equal(t, http.StatusNoContent, tw.report(h, 1, "delivered", ""))
	require.Equal(t, http.StatusNoContent, tw.report(h, 2, "undelivered", "30005"))
	for id, want := range map[string]notify.Status{first.ID: notify.Delivered, second.ID: notify.Failed} {
		r := reported(t, n, id)
		require.Equal(t, want, r.Deliveries[0].Status)
	}
	requireSuppressed(t, sent(t, n, text("+15005550007")).Deliveries[0], notify.ReasonBounced)

	elsewhere := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"pager": &driver{}}})
	h = twilio.Callback("authToken", hook, elsewhere.Receive)
	require.Equal(t, http.StatusServiceUnavailable, tw.report(h, 1, "delivered", ""), "the message is not in this store")
}
