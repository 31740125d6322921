package httpsend

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// An Answer is the peer's response to a request.
type Answer struct {
	Status     int
	Header     http.Header
	Body       []byte        // at most 1 MiB; the rest is dropped
	RetryAfter time.Duration // from the Retry-After header, given in seconds or as a date; zero without one
}

// Kind classifies a by the status alone, for vendors that send no code of their own.
//
//	429                    RateLimited
//	401, 403               Misconfigured
//	3xx, other 4xx         Rejected
//	503 with a RetryAfter  Temporary
//	408, other 5xx         Uncertain
//	2xx                    Unknown, which means no failure here
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

// Error returns a failure with a's RetryAfter. code is the vendor's own code, or empty. err should start with the driver's name.
func (a Answer) Error(kind channel.Kind, code string, err error) *channel.Error {
	return &channel.Error{Kind: kind, Code: code, RetryAfter: a.RetryAfter, Err: err}
}

// retryAfter parses the Retry-After header in both of its forms (RFC 9110, section 10.2.3). Seconds are capped at 68 years, and a date
// in the past gives zero.
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
