package dingtalk

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

const (
	robotMax   = 20000            // bytes of a message, from DingTalk's error text "message too long, exceed 20000 bytes"
	robotPause = 10 * time.Minute // the time for which DingTalk mutes a robot that exceeds its rate limit
)

// A Robot posts into one group through the webhook of a custom robot (自定义机器人). It is a group channel, so it ignores the address of
// a delivery.
//
// DingTalk has no idempotency key: a message posted twice appears twice in the group. DingTalk sends no receipt after its response.
// A Robot is safe for concurrent use.
type Robot struct {
	token, secret, base string
	client              *http.Client
}

var (
	_ channel.Channel    = (*Robot)(nil)
	_ channel.Configured = (*Robot)(nil)
	_ channel.Validator  = (*Robot)(nil)
	_ channel.Addresser  = (*Robot)(nil)
	_ channel.Limiter    = (*Robot)(nil)
)

// Options configures a [Robot]. A nil *Options means all defaults.
type Options struct {
	// Secret signs each request, for a robot whose security setting is a signature (加签). Without a Secret, the robot's security
	// setting must be keywords or an IP allow-list.
	Secret string
	// BaseURL is the base of request URLs. Defaults to "https://oapi.dingtalk.com"; international tenants use
	// "https://oapi.dingtalk.io".
	BaseURL string
	// Client makes the requests. Defaults to [http.DefaultClient]. Redirects are not followed.
	Client *http.Client
}

// NewRobot returns a robot. token is the access_token in the URL of its webhook.
func NewRobot(token string, o *Options) *Robot {
	if o == nil {
		o = &Options{}
	}
	return &Robot{token: token, secret: o.Secret, base: base(o.BaseURL), client: o.Client}
}

// Valid refuses an empty token or a whole URL in its place, a Secret with white space, and an invalid BaseURL.
func (r *Robot) Valid() error {
	switch {
	case r.token == "":
		return misconfigured("the robot's access_token is required")
	case strings.ContainsAny(r.token, "/?&= \t\r\n"):
		return misconfigured("token must be the access_token alone, not the webhook's URL")
	case strings.ContainsAny(r.secret, " \t\r\n"):
		return misconfigured("Secret must not contain white space")
	}
	return validBase(r.base)
}

// Validate refuses content that has none of a robot's message forms, an [Extra] that is malformed or does not fit the form, and a
// message of more than 20000 bytes of JSON.
func (r *Robot) Validate(d channel.Delivery) error {
	_, err := robotMessage(d)
	return err
}

// AddressKind returns [channel.None]: the group is the address.
func (r *Robot) AddressKind() string { return channel.None }

// Limits returns 20 messages a minute, evenly spaced. DingTalk mutes a robot that exceeds 20 messages in a minute for 10 minutes. A
// Policy that permits bursts should keep the sum of burst and rate per minute at 20 or below, such as a burst of 10 and a rate of 10 a
// minute.
func (r *Robot) Limits() channel.Limits { return channel.Limits{Rate: 20.0 / 60, Burst: 1} }

// Send posts d into the group, in one attempt. An error for a throttled robot is [channel.RateLimited]; RetryAfter is the wait that
// DingTalk names, or else 10 minutes, because a robot that continues to post stays muted. An error for an unknown code is
// [channel.Uncertain].
func (r *Robot) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	msg, err := robotMessage(d)
	if err != nil {
		return channel.Receipt{}, err
	}
	req, err := httpsend.JSON(ctx, r.url(time.Now()), msg)
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("dingtalk: %w", err)
	}
	a, err := httpsend.Do(r.client, req)
	if err == nil {
		err = parse(a).fault(robotPause, reply.robot)
	}
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("dingtalk: %w", err)
	}
	return channel.Receipt{DeliveryID: d.ID, Provider: provider, Event: channel.Sent, At: time.Now()}, nil
}

// url returns the URL for one attempt. Each attempt needs a new one, because DingTalk accepts a signature for at most an hour.
func (r *Robot) url(now time.Time) string {
	q := url.Values{"access_token": {r.token}}
	if r.secret != "" {
		ms := now.UnixMilli()
		q.Set("timestamp", strconv.FormatInt(ms, 10))
		q.Set("sign", sign(ms, r.secret))
	}
	return r.base + "/robot/send?" + q.Encode()
}
