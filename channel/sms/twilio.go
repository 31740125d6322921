package sms

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
)

// TwilioOptions configures a [TwilioGateway]. A nil *TwilioOptions means all defaults.
type TwilioOptions struct {
	// APIKeySID is the SID of an API key ("SK…"), of which the auth token is then the secret. By default the auth token is the
	// account's.
	APIKeySID string
	// StatusCallback is where Twilio reports what becomes of a message. The delivery's ID is added to its query as "delivery_id".
	// [TwilioCallback] serves it. By default Twilio reports nothing, or to where the Messaging Service says.
	StatusCallback string
	// BaseURL is where requests go. Defaults to "https://api.twilio.com"; other regions have
	// "https://api.<edge>.<region>.twilio.com".
	BaseURL string
	// Client sends the requests. Its redirects are not followed. Defaults to [http.DefaultClient].
	Client *http.Client
}

// A TwilioGateway sends texts through Twilio Programmable Messaging (2010-04-01, Messages).
//
// A delivery that expires within ten hours tells so as its ValidityPeriod, after which Twilio no longer sends it. Twilio does not
// recognise repeats.
type TwilioGateway struct {
	accountSID, user, secret string
	from, callback           string
	baseURL                  string
	client                   *http.Client
}

var (
	_ Gateway            = (*TwilioGateway)(nil)
	_ channel.Configured = (*TwilioGateway)(nil)
)

// Twilio returns a gateway for an account. from is what the messages come from: a number in E.164, a sender's name, a short code,
// or the SID of a Messaging Service ("MG" and 32 more).
func Twilio(accountSID, authToken, from string, o *TwilioOptions) *TwilioGateway {
	opts := TwilioOptions{}
	if o != nil {
		opts = *o
	}
	return &TwilioGateway{
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
func (g *TwilioGateway) Send(ctx context.Context, m SMS) (channel.Receipt, error) {
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
	id, err := twilioAnswer(a)
	if err != nil {
		return channel.Receipt{}, err
	}
	return channel.Receipt{Provider: "twilio", ID: id}, nil
}

// Validate refuses more than 1600 characters, which is Twilio's limit, and an ExtendCode, which it does not have.
func (g *TwilioGateway) Validate(m SMS) error {
	if n := utf8.RuneCountInString(m.Text); n > 1600 {
		return refuse("content.text", fmt.Sprintf("has %d characters, more than Twilio's 1600", n))
	}
	if m.Extra.ExtendCode != "" {
		return refuse("extra.extend_code", "Twilio has no such thing")
	}
	return nil
}

// Valid says what the configuration lacks.
func (g *TwilioGateway) Valid() error {
	if g.accountSID == "" || g.secret == "" || g.from == "" {
		return errors.New("twilio: account SID, auth token and sender are needed")
	}
	if g.callback != "" {
		if err := checkURL("twilio", "StatusCallback", g.callback); err != nil {
			return err
		}
	}
	return checkURL("twilio", "BaseURL", g.baseURL)
}

// form is what Messages is told. Source: https://www.twilio.com/docs/messaging/api/message-resource
func (g *TwilioGateway) form(m SMS, now time.Time) url.Values {
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
	if rest := m.ExpireAt.Sub(now); !m.ExpireAt.IsZero() && rest < 10*time.Hour { // the default, and the most that it takes
		v.Set("ValidityPeriod", strconv.Itoa(max(1, int(rest.Seconds()))))
	}
	return v
}

// twilioAnswer reads the id of what was sent, or the failure.
func twilioAnswer(a httpsend.Answer) (sid string, err error) {
	var r struct {
		SID       string
		Status    any // of a message: a word; of an error: the HTTP status
		Code      int // of an error
		ErrorCode int `json:"error_code"` // of a message that failed at once
	}
	if err := json.Unmarshal(a.Body, &r); err != nil {
		return "", garbled("twilio", a)
	}
	code := cmp.Or(r.Code, r.ErrorCode)
	switch failed := r.Status == "failed" || r.Status == "undelivered"; {
	case code != 0:
		return "", refusal("twilio", a, strconv.Itoa(code), "", twilioVerdict(code))
	case r.SID == "" || failed || a.Status/100 != 2:
		return "", garbled("twilio", a)
	}
	return r.SID, nil
}
