package sms

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// A verdict is what a vendor's code means. The zero verdict means that the code is not known.
type verdict struct {
	kind channel.Kind
	wait time.Duration // what the code asks for; used if no header says more
}

// refusal is the failure that a tells with a code of the vendor's: with one, a 5xx is the vendor's own word that nothing was
// sent. Messages of vendors are left out, because they echo numbers and whole requests; the code and the request's id are what
// operators and the vendor's support go by.
func refusal(vendor string, a httpsend.Answer, code, requestID string, v verdict) error {
	if !word(code) { // no vendor's: it could be anything, the message too
		return garbled(vendor, a)
	}
	if v.kind == channel.Unknown && a.Status >= 500 {
		v.kind = channel.Temporary
	}
	text := vendor + ": refused"
	if uuid.Validate(requestID) == nil {
		text += ", request " + requestID
	}
	return failure(a, code, text, v)
}

// garbled is the failure of an answer that is not in the vendor's form: nobody knows who gave it.
func garbled(vendor string, a httpsend.Answer) error {
	return failure(a, "", fmt.Sprintf("%s: HTTP status %d without the vendor's code", vendor, a.Status), verdict{})
}

// failure lets the status decide what v leaves open. A throttle that does not say for how long asks for a second.
func failure(a httpsend.Answer, code, text string, v verdict) error {
	kind := cmp.Or(v.kind, a.Kind(), channel.Uncertain)
	if kind == channel.RateLimited {
		v.wait = cmp.Or(v.wait, time.Second)
	}
	e := a.Error(kind, code, errors.New(text))
	e.RetryAfter = cmp.Or(a.RetryAfter, v.wait)
	return e
}

// word reports whether s looks like a name or a code.
func word(s string) bool {
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-", r)
	}
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, odd)
}

// perNumber is a throttle of one recipient: worth waiting for if it is short.
func perNumber(wait time.Duration) verdict {
	if wait >= time.Hour {
		return verdict{channel.Unreachable, wait}
	}
	return verdict{channel.Temporary, wait}
}

// untilBeijing is how long after now it is next hour o'clock in Beijing.
func untilBeijing(now time.Time, hour int) time.Duration {
	t := now.In(time.FixedZone("", 8*60*60))
	next := time.Date(t.Year(), t.Month(), t.Day(), hour, 0, 0, 0, t.Location())
	if !next.After(t) {
		next = next.AddDate(0, 0, 1)
	}
	return next.Sub(t)
}

// checkURL says whether raw, the option of that name, is a place to send to. It may hold a secret and is not repeated.
func checkURL(vendor, name, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("%s: %s is not an http(s) URL", vendor, name)
	}
	return nil
}

// bodyOf is a copy of what req will send, for signing.
func bodyOf(req *http.Request) []byte {
	if req.GetBody == nil {
		return nil
	}
	r, _ := req.GetBody() // over memory: cannot fail
	b, _ := io.ReadAll(r)
	return b
}
