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
	robotMax   = 20000            // bytes of a message: "message too long, exceed 20000 bytes"
	robotPause = 10 * time.Minute // how long DingTalk mutes a robot that went too fast
)

// A Robot posts into one group through the webhook of a custom robot (自定义机器人). It is a group channel: a delivery needs no
// address, and one that it has is not used.
//
// DingTalk has no key against repeats: a message posted twice stands in the group twice. There is no receipt beyond its answer.
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
	// Secret signs each request, if the robot's security setting is a signature (加签). Without one the robot must be
	// guarded by keywords or by an IP allow-list.
	Secret string
	// BaseURL is where requests go. Defaults to "https://oapi.dingtalk.com"; abroad it is "https://oapi.dingtalk.io".
	BaseURL string
	// Client makes the requests. Defaults to [http.DefaultClient]. Redirects are not followed.
	Client *http.Client
}

// NewRobot returns the robot whose webhook has the given access_token.
func NewRobot(token string, o *Options) *Robot {
	if o == nil {
		o = &Options{}
	}
	return &Robot{token: token, secret: o.Secret, base: base(o.BaseURL), client: o.Client}
}

// Valid refuses an empty token, a whole URL in its place, and a BaseURL that is none.
func (r *Robot) Valid() error {
	switch {
	case r.token == "":
		return misconfigured("the robot's access_token is missing")
	case strings.ContainsAny(r.token, "/?&= \t\r\n"):
		return misconfigured("give the access_token alone, not the webhook's URL")
	case strings.ContainsAny(r.secret, " \t\r\n"):
		return misconfigured("the secret holds white space")
	}
	return validBase(r.base)
}

// Validate refuses content without a form that a robot can show, an [Extra] that is not understood or does not go with that form, and
// a message of more than 20000 bytes as JSON.
func (r *Robot) Validate(d channel.Delivery) error {
	_, err := robotMessage(d)
	return err
}

// AddressKind returns [channel.None]: the group is the address.
func (r *Robot) AddressKind() string { return channel.None }

// Limits returns 20 messages a minute, evenly spaced: a robot that exceeds them is muted for 10 minutes. Whoever sets a Policy for
// bursts should keep the burst and a minute's rate together at 20 or below, such as 10 at once and 10 a minute.
func (r *Robot) Limits() channel.Limits { return channel.Limits{Rate: 20.0 / 60, Burst: 1} }

// Send posts d into the group. A robot that is throttled gives [channel.RateLimited] with a wait of 10 minutes, or what DingTalk
// names: one that goes on posting stays muted. A code that this package does not know is [channel.Uncertain].
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

// url is made anew for each attempt: DingTalk takes a signature for an hour at most.
func (r *Robot) url(now time.Time) string {
	q := url.Values{"access_token": {r.token}}
	if r.secret != "" {
		ms := now.UnixMilli()
		q.Set("timestamp", strconv.FormatInt(ms, 10))
		q.Set("sign", sign(ms, r.secret))
	}
	return r.base + "/robot/send?" + q.Encode()
}
