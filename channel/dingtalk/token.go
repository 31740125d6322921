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

// tokens holds an app's access token and fetches the next one shortly before it ends.
//
// Callers who need one at the same time share one fetch. The first makes it, on its own goroutine and within its own context; the
// others wait for it, or for the end of theirs. If the first one's context ends before there is an answer, that is nobody else's
// failure: one of those who wait fetches in its place.
type tokens struct {
	fetch func(context.Context) (token string, life time.Duration, err error)

	mu     sync.Mutex
	token  string
	until  time.Time
	flight *flight // nil: nobody fetches
}

// A flight is one fetch. Its other fields are written before done is closed.
type flight struct {
	done      chan struct{}
	token     string
	err       error
	abandoned bool // it came to no end of its own
}

// get returns the token, if need be a new one.
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

// join returns the token, or the flight that brings the next one and whether it is the caller's to make.
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

// lead makes the fetch. Should it panic, the flight counts as abandoned and lands all the same.
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
	until = time.Now().Add(life - min(5*time.Minute, life/10)) // early, so that no call is made with a token about to end
}

// drop forgets token, unless another has taken its place already.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

// fetchToken asks for the app's access token. Asked again while one is good, DingTalk returns the same and prolongs it.
func (w *Work) fetchToken(ctx context.Context) (string, time.Duration, error) {
	q := url.Values{"appkey": {w.key}, "appsecret": {w.secret}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/gettoken?"+q.Encode(), nil)
	if err != nil { // quotes the secret
		return "", 0, &channel.Error{Kind: channel.Misconfigured, Err: errors.New("BaseURL is not valid")}
	}
	a, err := httpsend.Do(w.client, req)
	if err == nil {
		err = parse(a).fault(workPause, reply.work)
	}
	if err != nil {
		return "", 0, tokenless(err)
	}
	var out struct {
		Token string `json:"access_token"`
		Life  number `json:"expires_in"` // seconds
	}
	if json.Unmarshal(a.Body, &out) != nil || out.Token == "" {
		return "", 0, tokenless(unclear())
	}
	return out.Token, time.Duration(min(max(out.Life.value, 0), 24*60*60)) * time.Second, nil
}

// tokenless is err of a fetch, seen from a message that was waiting for the token: it was certainly not sent, and its content and
// recipient are not to blame.
func tokenless(err error) error {
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
