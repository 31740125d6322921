package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/e7ddda3c/notify"
)

// An arrival is a message that a peer received.
type arrival struct {
	No      int       `json:"no"` // counted from 1
	Channel string    `json:"channel"`
	Title   string    `json:"title"`
	Text    string    `json:"text"`
	Detail  string    `json:"detail"` // the checks that the peer made
	At      time.Time `json:"at"`
}

// peers are the other ends of the channels. They check the requests, record the messages, and answer as the vendors do.
type peers struct {
	onArrival func(arrival)
	closers   []func() error

	mu       sync.Mutex
	arrived  []arrival
	own      map[string]bool   // channels with a peer of ours rather than a real server
	behavior map[string]string // by channel: "" (works), "throttles" or "refuses"
	changed  chan struct{}     // closed at the next arrival
}

func newPeers(onArrival func(arrival)) *peers {
	return &peers{
		onArrival: onArrival, own: map[string]bool{"page": true}, behavior: map[string]string{}, changed: make(chan struct{}),
	}
}

func (p *peers) arrive(a arrival) {
	a.At = time.Now()
	p.mu.Lock()
	a.No = len(p.arrived) + 1
	p.arrived = append(p.arrived, a)
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	p.onArrival(a)
}

// arrivals returns the arrivals so far, and a channel that is closed at the next one.
func (p *peers) arrivals() ([]arrival, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.arrived), p.changed
}

func (p *peers) behaviorOf(channel string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.behavior[channel]
}

func (p *peers) setBehavior(channel, behavior string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behavior[channel] = behavior
}

// missing returns the channels whose delivery was not sent, or did not arrive at a peer of ours before ctx was done.
func (p *peers) missing(ctx context.Context, r notify.Report, marker string) []string {
	for {
		arrived, changed := p.arrivals()
		var missing []string
		for _, o := range r.Deliveries {
			received := !p.own[o.Channel] || slices.ContainsFunc(arrived, func(a arrival) bool {
				return a.Channel == o.Channel && strings.Contains(a.Title+a.Text, marker)
			})
			if !o.Status.Reaches(notify.Sent) || !received {
				missing = append(missing, o.Channel)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return missing
		}
	}
}

func (p *peers) close() error {
	var errs []error
	for _, c := range p.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// serveHTTP starts the stand-in for a vendor and returns its URL.
func (p *peers) serveHTTP(channel string, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	p.own[channel] = true
	p.closers = append(p.closers, func() error { s.Close(); return nil })
	return s.URL
}

// serveTwilio stands in for Twilio. It checks the account, the token and the recipient.
func (p *peers) serveTwilio(account, token string) string {
	return p.serveHTTP("sms", func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case r.URL.Path != "/2010-04-01/Accounts/"+account+"/Messages.json" || r.Method != http.MethodPost:
			twilioError(w, http.StatusNotFound, 20404)
		case user != account || password != token:
			twilioError(w, http.StatusUnauthorized, 20003)
		case p.behaviorOf("sms") == "throttles":
			w.Header().Set("Retry-After", "30")
			twilioError(w, http.StatusTooManyRequests, 20429)
		case p.behaviorOf("sms") == "refuses" || r.PostFormValue("To") == "":
			twilioError(w, http.StatusBadRequest, 21211)
		default:
			p.arrive(arrival{Channel: "sms", Text: r.PostFormValue("Body"), Detail: "Twilio: valid account and token"})
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"sid":"SM%032d","status":"queued","num_segments":"1","error_code":null}`, time.Now().UnixNano())
		}
	})
}

func twilioError(w http.ResponseWriter, status, code int) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%d,"message":"refused by the stand-in","status":%d}`, code, status)
}

// serveDingTalk stands in for DingTalk's robots. It checks the token and the signature.
func (p *peers) serveDingTalk(token, secret string) string {
	return p.serveHTTP("dingtalk", func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Type     string `json:"msgtype"`
			Text     struct{ Content string }
			Markdown struct{ Title, Text string }
		}
		raw, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		q := r.URL.Query()
		switch {
		case r.URL.Path != "/robot/send" || q.Get("access_token") != token:
			dingtalkAnswer(w, 300005, "token is not exist")
		case q.Get("sign") != dingtalkSign(q.Get("timestamp"), secret):
			dingtalkAnswer(w, 310000, "sign not match")
		case p.behaviorOf("dingtalk") == "throttles":
			dingtalkAnswer(w, 130101, "send too fast, exceed 20 times per minute")
		case p.behaviorOf("dingtalk") == "refuses":
			dingtalkAnswer(w, 310000, "keywords not in content")
		case json.Unmarshal(raw, &body) != nil:
			dingtalkAnswer(w, 40035, "not a message")
		default:
			p.arrive(arrival{
				Channel: "dingtalk", Title: body.Markdown.Title, Text: body.Markdown.Text + body.Text.Content,
				Detail: "DingTalk: valid signature, " + body.Type,
			})
			dingtalkAnswer(w, 0, "ok")
		}
	})
}

func dingtalkSign(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func dingtalkAnswer(w http.ResponseWriter, code int, text string) {
	_ = json.NewEncoder(w).Encode(map[string]any{"errcode": code, "errmsg": text})
}
