package twilio

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httphook"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// Callback returns a handler for Twilio's status callbacks. It passes each of them to sink, such as Notifier.Receive. publicURL is the
// [Options].StatusCallback, as Twilio calls it: behind a proxy, the public URL. A call without a signature by the account's auth token
// gets 403. Callback panics if authToken is empty, because strangers could then report anything, or if publicURL is not an absolute
// URL, because no signature would be right.
//
// If sink fails, the answer is 503. Twilio repeats such a call within seconds, and only if a fragment of the URL says so, such as
// "#rc=5&rp=all"; see https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
//
// Statuses before "sent" do not reach sink. Failed, undelivered and canceled are [channel.Bounced]; with a code for a number that is
// blocked, unknown, not a mobile's or opted out, the Kind is [channel.InvalidRecipient].
func Callback(authToken, publicURL string, sink httphook.Sink) http.Handler {
	if authToken == "" {
		panic("twilio: an auth token is required")
	}
	if err := httpsend.CheckURL("publicURL", publicURL); err != nil {
		panic("twilio: " + err.Error())
	}
	u, _ := url.Parse(publicURL)
	u.RawQuery, u.Fragment, u.RawFragment, u.ForceQuery = "", "", "", false
	return httphook.New(httphook.Form(callback{token: authToken, url: u.String()}.read), sink, nil)
}

type callback struct {
	token, url string // url: without query
}

// read returns the receipt of a call that Twilio signed.
func (c callback) read(r *http.Request, form url.Values) ([]channel.Receipt, error) {
	called := c.url
	if r.URL.RawQuery != "" {
		called += "?" + r.URL.RawQuery
	}
	if !signed(c.token, called, form, nil, r.Header.Get("X-Twilio-Signature")) {
		return nil, httphook.ErrForbidden
	}
	one := receipt(r.URL.Query().Get("delivery_id"), form, time.Now())
	if one.ID == "" && one.DeliveryID == "" {
		return nil, errors.New("MessageSid or delivery_id is required")
	}
	return []channel.Receipt{one}, nil
}

// receipt reads the form of a call. A status without news has no event.
// Source: https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
func receipt(deliveryID string, form url.Values, now time.Time) channel.Receipt {
	r := channel.Receipt{
		DeliveryID: deliveryID, Provider: provider, ID: form.Get("MessageSid"), At: now.UTC(), Code: form.Get("ErrorCode"),
	}
	switch form.Get("MessageStatus") {
	case "sent":
		r.Event = channel.Sent
	case "delivered":
		r.Event = channel.Delivered
	case "read":
		r.Event = channel.Read
	case "undelivered", "failed", "canceled":
		code, _ := strconv.Atoi(r.Code)
		r.Event, r.Kind = channel.Bounced, verdict(code).Bounce()
	}
	return r
}
