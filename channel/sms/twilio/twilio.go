// Package twilio sends text messages through Twilio Programmable Messaging (2010-04-01, Messages), and receives the status callbacks.
package twilio

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/sms"
)

const (
	provider = "twilio"
	maxChars = 1600 // of a message
)

// Options configures a [Gateway]. A nil *Options means all defaults.
type Options struct {
	// APIKeySID is the SID of an API key ("SK…"); the auth token given to [New] is then the key's secret. By default the auth token is
	// the account's.
	APIKeySID string
	// StatusCallback is the URL for Twilio's status callbacks, which [Callback] serves. Each call has the delivery's ID in its query,
	// as "delivery_id". By default Twilio reports to the URL of the Messaging Service, or not at all.
	StatusCallback string
	// BaseURL is the endpoint. Defaults to "https://api.twilio.com"; other regions have "https://api.<edge>.<region>.twilio.com".
	BaseURL string
	// Client sends the requests, and follows no redirects. Defaults to [http.DefaultClient].
	Client *http.Client
}

// A Gateway sends texts through an account.
//
// For a delivery that expires within ten hours, Twilio gets a ValidityPeriod, after which the message is dropped from the queue. Twilio
// does not detect duplicates.
type Gateway struct {
	accountSID, user, secret string
	from, callback           string
	baseURL                  string
	client                   *http.Client
}

var (
	_ sms.Gateway        = (*Gateway)(nil)
	_ channel.Configured = (*Gateway)(nil)
)

// New returns a gateway for an account. from is the sender: a number in E.164, an alphanumeric sender ID, a short code, or the SID of a
// Messaging Service ("MG" and 32 more characters).
func New(accountSID, authToken, from string, o *Options) *Gateway {
	opts := Options{}
	if o != nil {
		opts = *o
	}
	return &Gateway{
		accountSID: accountSID,
		user:       cmp.Or(opts.APIKeySID, accountSID),
		secret:     authToken,
		from:       from,
		callback:   opts.StatusCallback,
		baseURL:    cmp.Or(opts.BaseURL, "https://api.twilio.com"),
		client:     opts.Client,
	}
}

// Send makes one call of Messages.
func (g *Gateway) Send(ctx context.Context, m sms.SMS) (channel.Receipt, error) {
	endpoint := strings.TrimRight(g.baseURL, "/") + "/2010-04-01/Accounts/" + url.PathEscape(g.accountSID) + "/Messages.json"
	req, err := httpsend.Form(ctx, endpoint, g.form(m, time.Now()))
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("twilio: %w", err)
	}
	req.SetBasicAuth(g.user, g.secret)
	a, err := httpsend.Do(g.client, req)
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("twilio: %w", err)
	}
	id, err := readAnswer(a)
	if err != nil {
		return channel.Receipt{}, err
	}
	return channel.Receipt{Provider: provider, ID: id}, nil
}

// Validate refuses more than 1600 characters, which is Twilio's limit, and an ExtendCode, for which Twilio has no equivalent.
func (g *Gateway) Validate(m sms.SMS) error {
	if n := utf8.RuneCountInString(m.Text); n > maxChars {
		return refuse("content.text", fmt.Sprintf("must have at most %d characters, has %d", maxChars, n))
	}
	if m.Extra.ExtendCode != "" {
		return refuse("extra.extend_code", "must be empty: Twilio has no equivalent")
	}
	return nil
}

func refuse(field, text string) error {
	return &channel.Error{Kind: channel.Rejected, Field: field, Err: errors.New("twilio: " + text)}
}

// Valid checks that account SID, auth token and sender are set, and the URLs.
func (g *Gateway) Valid() error {
	if g.accountSID == "" || g.secret == "" || g.from == "" {
		return errors.New("twilio: account SID, auth token and sender are required")
	}
	err := httpsend.CheckURL("BaseURL", g.baseURL)
	if err == nil && g.callback != "" {
		err = httpsend.CheckURL("StatusCallback", g.callback)
	}
	if err != nil {
		return fmt.Errorf("twilio: %w", err)
	}
	return nil
}

// form returns the parameters of Messages. Source: https://www.twilio.com/docs/messaging/api/message-resource
func (g *Gateway) form(m sms.SMS, now time.Time) url.Values {
	v := url.Values{"To": {m.To}, "Body": {m.Text}}
	if len(g.from) == 34 && strings.HasPrefix(g.from, "MG") {
		v.Set("MessagingServiceSid", g.from)
	} else {
		v.Set("From", g.from)
	}
	if u, err := url.Parse(g.callback); err == nil && g.callback != "" {
		q := u.Query()
		q.Set("delivery_id", m.ID)
		u.RawQuery = q.Encode()
		v.Set("StatusCallback", u.String())
	}
	if rest := m.ExpireAt.Sub(now); !m.ExpireAt.IsZero() && rest < 10*time.Hour { // Twilio's default and maximum
		v.Set("ValidityPeriod", strconv.Itoa(max(1, int(rest.Seconds()))))
	}
	return v
}

// readAnswer returns the vendor's id of the message, or the failure.
func readAnswer(a httpsend.Answer) (sid string, err error) {
	var r struct {
		SID       string
		Status    any // of a message: a word; of an error: the HTTP status
		Code      int // of an error
		ErrorCode int `json:"error_code"` // of a message that failed at once
	}
	if err := json.Unmarshal(a.Body, &r); err != nil {
		return "", sms.Unrecognized(provider, a)
	}
	code := cmp.Or(r.Code, r.ErrorCode)
	switch failed := r.Status == "failed" || r.Status == "undelivered"; {
	case code != 0:
		return "", sms.Refused(provider, a, strconv.Itoa(code), "", verdict(code))
	case r.SID == "" || failed || a.Status/100 != 2:
		return "", sms.Unrecognized(provider, a)
	}
	return r.SID, nil
}
