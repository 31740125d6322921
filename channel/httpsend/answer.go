package httpsend

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// An Answer is what the peer answered.
type Answer struct {
	Status     int
	Header     http.Header
	Body       []byte        // at most 1 MiB; what is beyond is dropped
	RetryAfter time.Duration // from the Retry-After header, seconds or date; zero without one
}

// Kind tells from the status alone what an answer means; a driver asks it if the vendor gives no code of its own.
//
//	429                    RateLimited
//	401, 403               Misconfigured
//	3xx, other 4xx         Rejected
//	503 with a RetryAfter  Temporary
//	408, other 5xx         Uncertain
//	2xx                    Unknown, which is no failure here
func (a Answer) Kind() channel.Kind {
	switch s := a.Status; {
	case s == http.StatusTooManyRequests:
		return channel.RateLimited
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return channel.Misconfigured
	case s == http.StatusServiceUnavailable && a.RetryAfter > 0:
		return channel.Temporary
	case s == http.StatusRequestTimeout, s >= 500:
		return channel.Uncertain
	case s >= 300:
		return channel.Rejected
	default:
		return channel.Unknown
	}
}

// Error returns a failure that a tells, with the wait that it asks for. Code is the vendor's own, err starts with the driver's name.
func (a Answer) Error(kind channel.Kind, code string, err error) *channel.Error {
	return &channel.Error{Kind: kind, Code: code, RetryAfter: a.RetryAfter, Err: err}
}

// retryAfter reads the header in both of its forms (RFC 9110, section 10.2.3). Seconds beyond 68 years are taken for 68 years.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.ParseUint(v, 10, 31); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
