package sms

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/internal/code"
)

// A Verdict is the meaning of a vendor's code. The zero Verdict is that of an unknown code.
type Verdict struct {
	Kind channel.Kind
	Wait time.Duration // the wait that the code implies; a Retry-After header takes precedence
}

// PerNumber returns the verdict on a throttle of one number: [channel.Temporary], from an hour up [channel.Unreachable].
func PerNumber(wait time.Duration) Verdict {
	if wait >= time.Hour {
		return Verdict{channel.Unreachable, wait}
	}
	return Verdict{channel.Temporary, wait}
}

// Bounce returns the Kind of a [channel.Bounced] receipt with the code of v.
func (v Verdict) Bounce() channel.Kind {
	if v.Kind == channel.InvalidRecipient || v.Kind == channel.Rejected {
		return v.Kind
	}
	return channel.Unreachable
}

// Refused returns the error for an answer that carries a vendor's code. Where v has no Kind, the status decides; a 5xx with a code is
// the vendor's own word that nothing was sent, and so [channel.Temporary]. A throttle without a wait asks for a second.
//
// The text holds the code, and the request's id if that is a UUID, for operators and the vendor's support. It leaves out the vendor's
// message, because vendors echo numbers and whole requests. A code that could be free text makes the answer [Unrecognized].
func Refused(vendor string, a httpsend.Answer, vendorCode, requestID string, v Verdict) error {
	if !code.Valid(vendorCode) {
		return Unrecognized(vendor, a)
	}
	if v.Kind == channel.Unknown && a.Status >= 500 {
		v.Kind = channel.Temporary
	}
	text := vendor + ": refused"
	if uuid.Validate(requestID) == nil {
		text += ", request " + requestID
	}
	return failure(a, vendorCode, text, v)
}

// Unrecognized returns the error for an answer that is not in the vendor's form, such as a proxy's page. The status decides the Kind.
func Unrecognized(vendor string, a httpsend.Answer) error {
	return failure(a, "", fmt.Sprintf("%s: HTTP status %d without the vendor's code", vendor, a.Status), Verdict{})
}

func failure(a httpsend.Answer, vendorCode, text string, v Verdict) error {
	kind := cmp.Or(v.Kind, a.Kind(), channel.Uncertain)
	if kind == channel.RateLimited {
		v.Wait = cmp.Or(v.Wait, time.Second)
	}
	e := a.Error(kind, vendorCode, errors.New(text))
	e.RetryAfter = cmp.Or(a.RetryAfter, v.Wait)
	return e
}
