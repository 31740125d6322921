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
	workPause = time.Second // how long the gateway mostly denies an app that calls too often
)

// UserID is the kind of address that [Work] takes: the userid that a member has in the enterprise's address book, such as
// "manager4220". It is a kind of its own, not [channel.UserID]: a host whose users have other ids would otherwise write to
// whichever employee happens to bear the same one. A host whose ids are DingTalk's says so in its Directory.
const UserID = "dingtalk_userid"

// Work sends work notifications (工作通知) of an enterprise app through asyncsend_v2, one user at a time.
//
// A receipt means that DingTalk took the task, whose number is the receipt's ID; [Work.Result] tells later what became of it.
// DingTalk also takes what it then drops in silence: more than 500 notifications a day for one employee, more than 5000 recipients a
// minute, and a notification equal to one that the same employee had on the same day. So a repeated attempt is not shown twice on one
// day, and two notifications that mean to say the same should differ in something, such as the time.
//
// Work fetches the app's access token when it is first needed and keeps it. It is safe for concurrent use.
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
	// BaseURL is where requests go. Defaults to "https://oapi.dingtalk.com"; abroad it is "https://oapi.dingtalk.io".
	BaseURL string
	// Client makes the requests. Defaults to [http.DefaultClient]. Redirects are not followed.
	Client *http.Client
}

// NewWork returns the work notifications of the app with this key and secret (now called client id and client secret) and agent id.
func NewWork(appKey, appSecret string, agentID int64, o *WorkOptions) *Work {
	if o == nil {
		o = &WorkOptions{}
	}
	w := &Work{key: appKey, secret: appSecret, agent: agentID, base: base(o.BaseURL), client: o.Client}
	w.tokens.fetch = w.fetchToken
	return w
}

// Valid refuses a missing key, secret or agent id, and a BaseURL that is none.
func (w *Work) Valid() error {
	if w.key == "" || w.secret == "" || w.agent <= 0 {
		return misconfigured("the app's key, secret or agent id is missing")
	}
	return validBase(w.base)
}

// Validate refuses an address that is no userid, content without a form that a notification can show, a [WorkExtra] that is not
// understood or does not go with that form, and a message of more than 2048 bytes as JSON.
func (w *Work) Validate(d channel.Delivery) error {
	_, err := w.request(d)
	return err
}

// AddressKind returns [UserID].
func (w *Work) AddressKind() string { return UserID }

// Limits returns 15 calls a second and 5 at once, which together stay within the 20 that an app of the standard edition has for each
// method. Editions with more set a Policy.
func (w *Work) Limits() channel.Limits { return channel.Limits{Rate: 15, Burst: 5} }

// Send hands d to DingTalk. If it answers that the access token is no longer good, d was certainly refused, so Send fetches a new
// token and tries once more. An app that is throttled gives [channel.RateLimited], a code that this package does not know
// [channel.Uncertain]; as long as there is no token, nothing is uncertain.
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
		err = unclear()
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
		err := errors.New("dingtalk: not a DingTalk userid")
		return workRequest{}, &channel.Error{Kind: channel.InvalidRecipient, Field: "to", Err: err}
	}
	msg, err := workMessage(d)
	return workRequest{Agent: w.agent, Users: d.To, Msg: msg}, err
}

// call posts body to a method of corpconversation and reads the answer into out.
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
			return unclear()
		}
		return nil
	}
}

// stale reports whether the access token is refused.
func (r reply) stale() bool { return r.code() == 40014 || r.code() == 42001 }

// unclear is the failure of an answer that says success but lacks what belongs to it.
func unclear() error {
	return &channel.Error{Kind: channel.Uncertain, Err: errors.New("the answer is not understood")}
}
