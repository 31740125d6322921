package sms

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// TwilioCallback returns a handler for Twilio's status callbacks, which hands each to sink, mostly Notifier.Receive. publicURL is the
// [TwilioOptions].StatusCallback, as Twilio calls it: behind a proxy it is the public one that matters. A call that the account's auth
// token has not signed gets 403. An authToken that is missing would let anybody report anything, and a publicURL that is none nobody:
// both are mistakes at which TwilioCallback panics.
//
// If sink fails, the answer is 503. Twilio then calls again only if the URL asks for it, by a fragment such as "#rc=5&rp=all", and
// within seconds; see https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides.
//
// Statuses before "sent" tell nothing and are taken without the sink. Failed, undelivered and canceled are [channel.Bounced]; a code
// for a number that is blocked, unknown, no mobile's or opted out is [channel.InvalidRecipient].
func TwilioCallback(authToken, publicURL string, sink func(context.Context, channel.Receipt) error) http.Handler {
	if authToken == "" || sink == nil {
		panic("sms: TwilioCallback needs the auth token and a sink")
	}
	if err := checkURL("sms: TwilioCallback", "publicURL", publicURL); err != nil {
		panic(err.Error())
	}
	u, _ := url.Parse(publicURL)
	u.RawQuery, u.Fragment, u.RawFragment, u.ForceQuery = "", "", "", false
	return &twilioCallback{token: authToken, url: u.String(), sink: sink}
}

type twilioCallback struct {
	token, url string // url: without query
	sink       sink
}

func (c *twilioCallback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := readCallback(w, r)
	if !ok {
		return
	}
	called := c.url
	if r.URL.RawQuery != "" {
		called += "?" + r.URL.RawQuery
	}
	form, err := url.ParseQuery(string(body))
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
		return
	case !signedByTwilio(c.token, called, form, nil, r.Header.Get("X-Twilio-Signature")):
		w.WriteHeader(http.StatusForbidden)
		return
	}
	receipt := twilioReceipt(r.URL.Query().Get("delivery_id"), form, time.Now())
	switch {
	case receipt.ID == "" && receipt.DeliveryID == "":
		w.WriteHeader(http.StatusBadRequest)
	case receipt.Event != "" && c.sink(r.Context(), receipt) != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// twilioReceipt reads a callback. The event is empty if it tells nothing.
// Source: https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
func twilioReceipt(deliveryID string, form url.Values, now time.Time) channel.Receipt {
	r := channel.Receipt{
		DeliveryID: deliveryID, Provider: "twilio", ID: form.Get("MessageSid"), At: now.UTC(), Code: loose(form.Get("ErrorCode")).code(),
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
		r.Event, r.Kind = channel.Bounced, twilioVerdict(code).bounce()
	}
	return r
}
