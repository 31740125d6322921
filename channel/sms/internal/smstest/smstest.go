// Package smstest holds helpers for the tests of gateways.
package smstest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms"
)

// Text returns a delivery of a free text.
func Text(to, s string) channel.Delivery {
	return channel.Delivery{ID: "d-1", To: to, Content: channel.Content{Text: s}}
}

// Approved returns a delivery of the approved text of that name. params alternates names and values.
func Approved(to, name string, params ...string) channel.Delivery {
	a := &channel.Approved{Name: name}
	for i := 0; i < len(params); i += 2 {
		a.Params = append(a.Params, channel.Param{Name: params[i], Value: params[i+1]})
	}
	return channel.Delivery{ID: "d-1", To: to, Content: channel.Content{Approved: a}}
}

// Failure sends d to a server that answers with h, and returns the error. A receipt beside the error fails the test.
func Failure(t *testing.T, h http.HandlerFunc, open func(*httptest.Server) channel.Channel, d channel.Delivery) *channel.Error {
	t.Helper()
	s := httptest.NewServer(h)
	defer s.Close()
	r, err := open(s).Send(t.Context(), d)
	if r != (channel.Receipt{}) {
		t.Fatalf("a failure has no receipt: %+v", r)
	}
	return asError(t, err)
}

// Understood checks the result of reading an answer: nil if the vendor took the message, otherwise a whole [channel.Error].
func Understood(t *testing.T, err error, taken bool) {
	t.Helper()
	if taken {
		if err != nil {
			t.Fatalf("the vendor took the message: %v", err)
		}
		return
	}
	switch e := asError(t, err); {
	case e.Kind == channel.Unknown:
		t.Fatalf("an error needs a kind: %v", e)
	case len(e.Code) > 100 || strings.Contains(e.Error(), "\n"):
		t.Fatalf("an error is a line of text with a short code: %q", e.Error())
	case e.RetryAfter < 0:
		t.Fatalf("a wait is not negative: %v", e.RetryAfter)
	}
}

func asError(t *testing.T, err error) *channel.Error {
	t.Helper()
	e, ok := errors.AsType[*channel.Error](err)
	if !ok {
		t.Fatalf("want a *channel.Error: %v", err)
	}
	return e
}

// Valid checks that g is valid, or, unless lack is "", that the error of its Valid contains lack.
func Valid(t *testing.T, g sms.Gateway, lack string) {
	t.Helper()
	err := channel.Valid(sms.New(g, nil))
	switch {
	case lack == "" && err != nil:
		t.Fatalf("must be valid: %v", err)
	case lack != "" && (err == nil || !strings.Contains(err.Error(), lack)):
		t.Fatalf("must lack %q: %v", lack, err)
	}
}

// Flip changes the lowest bit of the last letter or digit.
func Flip(s string) string {
	i := strings.LastIndexFunc(s, func(r rune) bool {
		return r < 0x80 && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z')
	})
	if i < 0 { // no ASCII: the last bit of the last character
		r := []rune(s)
		r[len(r)-1] ^= 1
		return string(r)
	}
	b := []byte(s)
	b[i] ^= 1
	return string(b)
}

// A Sink records the receipts that it takes, and fails where Fail says so.
type Sink struct {
	Got  []channel.Receipt
	Fail func(channel.Receipt) bool
}

// Take is the sink.
func (s *Sink) Take(_ context.Context, r channel.Receipt) error {
	if s.Fail != nil && s.Fail(r) {
		return errors.New("not found")
	}
	s.Got = append(s.Got, r)
	return nil
}

// Call calls a handler, and returns the answer.
func Call(h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body)))
	return w
}
