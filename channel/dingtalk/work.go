package dingtalk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

const (
	workMax   = 2048        // bytes of a msg
	workPause = time.Second // the usual time for which the gateway throttles an app
)

// UserID is the kind of address that [Work] takes: the userid of a member in the enterprise's address book, such as "manager4220".
// It is not [channel.UserID], because a host's own user id may equal the userid of another employee, who would then receive the
// notification. A host that uses DingTalk's userids as its own lists them under this kind in its Directory.
const UserID = "dingtalk_userid"

// Work sends work notifications (工作通知) of an enterprise app through asyncsend_v2, to one user per call.
//
// A receipt means that DingTalk accepted the task, and the receipt's ID is the number of the task. [Work.Result] returns the outcome
// later. DingTalk also accepts notifications that it then drops silently: beyond 500 a day for one employee, beyond 5000 recipients a
// minute, and those identical to one that the same employee received on the same day. A retry on the same day is therefore not shown
// twice. Two intended notifications with the same content must differ in some part, such as the time.
//
// Work fetches the app's access token on first use and caches it. It is safe for concurrent use.
type Work struct {
	key, secret, base string
	agent             int64
	client            *http.Client
	tokens            tokens
}

var (
	_ channel.Channel    = (*Work)(nil)
	_ channel.Configured = (*Work)(nil)
	_ channel.Validator  = (*Work)(nil)
	_ channel.Addresser  = (*Work)(nil)
	_ channel.Limiter    = (*Work)(nil)
)

// WorkOptions configures [Work]. A nil *WorkOptions means all defaults.
type WorkOptions struct {
	// BaseURL is the base of request URLs. Defaults to "https://oapi.dingtalk.com"; international tenants use
	// "https://oapi.dingtalk.io".
	BaseURL string
	// Client makes the requests. Defaults to [http.DefaultClient]. Redirects are not followed.
	Client *http.Client
}

// NewWork returns the work notifications of the app with this key, secret and agent id. DingTalk now calls key and secret client id and
// client secret.
func NewWork(appKey, appSecret string, agentID int64, o *WorkOptions) *Work {
	if o == nil {
		o = &WorkOptions{}
	}
	w := &Work{key: appKey, secret: appSecret, agent: agentID, base: base(o.BaseURL), client: o.Client}
	w.tokens.fetch = w.fetchToken
	return w
}

// Valid refuses a missing key, secret or agent id, and an invalid BaseURL.
func (w *Work) Valid() error {
	if w.key == "" || w.secret == "" || w.agent <= 0 {
		return misconfigured("app key, app secret and agent id are required")
	}
	return validBase(w.base)
}

// Validate refuses an address that is not a userid, content that has none of a notification's message forms, a [WorkExtra] that is
// malformed or does not fit the form, and a message of more than 2048 bytes of JSON.
func (w *Work) Validate(d channel.Delivery) error {
	_, err := w.request(d)
	return err
}

// AddressKind returns [UserID].
func (w *Work) AddressKind() string { return UserID }

// Limits returns 15 calls a second with a burst of 5. The sum stays within the quota of an app of the standard edition, 20 calls a second
// for each API method. A Policy can raise the limits for other editions.
func (w *Work) Limits() channel.Limits { return channel.Limits{Rate: 15, Burst: 5} }

// Send hands d to DingTalk. If DingTalk refuses the access token, d was certainly not sent, so Send fetches a new token and repeats the
// call once. An error for a throttled app is [channel.RateLimited]; RetryAfter is the wait that DingTalk names, or else a second. An
// error for an unknown code is [channel.Uncertain]. A failed fetch of the token is never Uncertain, because nothing was sent.
func (w *Work) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	body, err := w.request(d)
	if err != nil {
		return channel.Receipt{}, err
	}
	var out struct {
		Task number `json:"task_id"`
	}
	err = w.call(ctx, "asyncsend_v2", body, &out)
	if err == nil && !out.Task.ok {
		err = unexpected()
	}
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("dingtalk: %w", err)
	}
	id := strconv.FormatInt(out.Task.value, 10)
	return channel.Receipt{DeliveryID: d.ID, Provider: provider, ID: id, Event: channel.Sent, At: time.Now()}, nil
}

type workRequest struct {
	Agent int64           `json:"agent_id"`
	Users string          `json:"userid_list"`
	Msg   json.RawMessage `json:"msg"`
}

func (w *Work) request(d channel.Delivery) (workRequest, error) {
	if !isUserID(d.To) {
		err := errors.New("dingtalk: must be a DingTalk userid")
		return workRequest{}, &channel.Error{Kind: channel.InvalidRecipient, Field: "to", Err: err}
	}
	msg, err := workMessage(d)
	return workRequest{Agent: w.agent, Users: d.To, Msg: msg}, err
}

// call posts body to a method of corpconversation and decodes the response into out.
func (w *Work) call(ctx context.Context, method string, body, out any) error {
	for again := false; ; again = true {
		token, err := w.tokens.get(ctx)
		if err != nil {
			return err
		}
		q := url.Values{"access_token": {token}}
		req, err := httpsend.JSON(ctx, w.base+"/topapi/message/corpconversation/"+method+"?"+q.Encode(), body)
		if err != nil {
			return err
		}
		a, err := httpsend.Do(w.client, req)
		if err != nil {
			return err
		}
		r := parse(a)
		if r.stale() {
			w.tokens.drop(token)
			if !again {
				continue
			}
		}
		if err := r.fault(workPause, reply.work); err != nil {
			return err
		}
		if json.Unmarshal(a.Body, out) != nil {
			return unexpected()
		}
		return nil
	}
}

// stale reports whether DingTalk refused the access token.
func (r reply) stale() bool { return r.code() == 40014 || r.code() == 42001 }

// unexpected returns the error for a response that reports success without the required data.
func unexpected() error {
	return &channel.Error{Kind: channel.Uncertain, Err: errors.New("unexpected response")}
}
