package dingtalk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// tokens caches an app's access token and fetches the next one shortly before the token expires.
//
// Concurrent callers share one fetch. The first caller makes the fetch, on its own goroutine and under its own context. The others wait
// for the result or for the end of their own contexts. If the first caller's context ends before there is a result, the others do not
// fail: one of them fetches instead.
type tokens struct {
	fetch func(context.Context) (token string, life time.Duration, err error)

	mu     sync.Mutex
	token  string
	until  time.Time
	flight *flight // nil while no fetch is in progress
}

// A flight is one fetch. Closing done publishes the other fields.
type flight struct {
	done      chan struct{}
	token     string
	err       error
	abandoned bool // the fetch ended without a result: by its context or by a panic
}

// get returns the cached token or fetches a new one.
func (t *tokens) get(ctx context.Context) (string, error) {
	for {
		token, f, leads := t.join()
		if f == nil {
			return token, nil
		}
		if leads {
			t.lead(ctx, f)
			return f.token, f.err
		}
		select {
		case <-f.done:
			if !f.abandoned {
				return f.token, f.err
			}
		case <-ctx.Done():
			return "", &channel.Error{Kind: channel.Temporary, Err: fmt.Errorf("no access token: %w", ctx.Err())}
		}
	}
}

// join returns the token, or the flight that fetches the next one. leads reports that the caller must make the fetch.
func (t *tokens) join() (token string, f *flight, leads bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && time.Now().Before(t.until) {
		return t.token, nil, false
	}
	if t.flight == nil {
		t.flight = &flight{done: make(chan struct{}), abandoned: true}
		leads = true
	}
	return "", t.flight, leads
}

// lead makes the fetch and completes f, even if the fetch panics.
func (t *tokens) lead(ctx context.Context, f *flight) {
	var until time.Time
	defer func() {
		t.mu.Lock()
		t.flight = nil
		if f.token != "" {
			t.token, t.until = f.token, until
		}
		t.mu.Unlock()
		close(f.done)
	}()
	token, life, err := t.fetch(ctx)
	f.token, f.err = token, err
	f.abandoned = err != nil && ctx.Err() != nil
	until = time.Now().Add(life - min(5*time.Minute, life/10)) // early, so that the token does not expire during a call
}

// drop removes token from the cache, unless a newer one has replaced it.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

// fetchToken requests the app's access token. While a token is valid, DingTalk returns the same one and extends its life.
func (w *Work) fetchToken(ctx context.Context) (string, time.Duration, error) {
	q := url.Values{"appkey": {w.key}, "appsecret": {w.secret}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/gettoken?"+q.Encode(), nil)
	if err != nil { // err quotes the secret
		return "", 0, &channel.Error{Kind: channel.Misconfigured, Err: errors.New("BaseURL must be a valid URL")}
	}
	a, err := httpsend.Do(w.client, req)
	if err == nil {
		err = parse(a).fault(workPause, reply.work)
	}
	if err != nil {
		return "", 0, tokenError(err)
	}
	var out struct {
		Token string `json:"access_token"`
		Life  number `json:"expires_in"` // seconds
	}
	if json.Unmarshal(a.Body, &out) != nil || out.Token == "" {
		return "", 0, tokenError(unexpected())
	}
	return out.Token, time.Duration(min(max(out.Life.value, 0), 24*60*60)) * time.Second, nil
}

// tokenError converts the error of a fetch into the error of a delivery that waits for the token. The delivery was certainly not sent,
// and its content and recipient are not at fault.
func tokenError(err error) error {
	e := channel.Error{Err: err}
	if cause := new(channel.Error); errors.As(err, &cause) {
		e = *cause
	}
	switch e.Kind {
	case channel.Uncertain, channel.Unknown:
		e.Kind = channel.Temporary
	case channel.Rejected, channel.InvalidRecipient:
		e.Kind = channel.Misconfigured
	}
	e.Err = fmt.Errorf("no access token: %w", e.Err)
	return &e
}
