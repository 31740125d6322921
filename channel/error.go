package channel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"time"
)

// A Kind classifies a failure by its consequence for the caller. A Kind is also an error, so that
// errors.Is(err, channel.RateLimited) works.
type Kind string

// The kinds of failure.
const (
	// Unknown, the zero Kind: an unclassified error, treated as [Uncertain].
	Unknown Kind = ""
	// Temporary: the delivery was certainly refused or never sent; a later attempt can succeed.
	Temporary Kind = "temporary"
	// RateLimited: the account, robot or API must wait for RetryAfter; nothing was sent.
	RateLimited Kind = "rate_limited"
	// Unreachable: the recipient cannot be reached now (offline, handset off, daily quota used up); the address is good.
	Unreachable Kind = "unreachable"
	// InvalidRecipient: the address can never work.
	InvalidRecipient Kind = "invalid_recipient"
	// Rejected: the content can never work. A refused template or signature counts as content.
	Rejected Kind = "rejected"
	// Misconfigured: every call fails until an operator acts.
	Misconfigured Kind = "misconfigured"
	// Uncertain: the delivery may have been sent; the provider's answer was lost or not understood.
	Uncertain Kind = "uncertain"
)

// Error returns the kind's name.
func (k Kind) Error() string {
	if k == Unknown {
		return "unknown"
	}
	return string(k)
}

// Certain reports whether k means that nothing was sent: k is one of the kinds above other than [Unknown] and [Uncertain].
func (k Kind) Certain() bool {
	switch k {
	case Temporary, RateLimited, Unreachable, InvalidRecipient, Rejected, Misconfigured:
		return true
	}
	return false
}

// An Error is a classified failure of one attempt. Its text must not contain a secret, an address or any part of the message.
type Error struct {
	Kind       Kind
	Field      string        // the path of the fault in the Delivery's JSON; empty if no field is at fault
	Code       string        // the vendor's own code
	RetryAfter time.Duration // the wait that the provider asked for; zero for none
	Err        error         // the cause, prefixed with the driver's name; nil if Kind says everything
}

// Error formats e as "field: cause (kind, code c, retry after d)". Empty parts are left out, except for the kind. The parentheses are
// left out if the cause ends with the same, as does a wrapped Error.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	class := e.class()
	if e.Err != nil {
		cause := fmt.Sprint(e.Err) // not Error(), whose panic Sprint turns into text
		b.WriteString(cause)
		if strings.HasSuffix(cause, class) {
			return b.String()
		}
		b.WriteString(" ")
	}
	b.WriteString(class)
	return b.String()
}

// class returns kind, code and wait in parentheses.
func (e *Error) class() string {
	var b strings.Builder
	b.WriteString("(" + e.Kind.Error())
	if e.Code != "" {
		b.WriteString(", code " + e.Code)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ", retry after %v", e.RetryAfter)
	}
	b.WriteString(")")
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is e's Kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// KindOf returns the Kind of the first [*Error] or bare Kind in err's tree that is not [Unknown]. Without one, a context error or a
// network timeout is [Uncertain], because the request may have been sent. Any other error is Unknown, and so is nil.
func KindOf(err error) Kind {
	if e, ok := err.(*Error); ok && e == nil {
		return Unknown
	}
	if k := firstKind(err); k != Unknown {
		return k
	}
	var n net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.As(err, &n) && n.Timeout() {
		return Uncertain
	}
	return Unknown
}

// ErrorOf returns err as an [*Error] of the kind that [KindOf] returns. If err is such an Error already, the result is err itself.
// Otherwise the result is a new Error that wraps err, with Field, Code and RetryAfter of the first Error in err's tree. For nil and for
// a nil pointer of any type, the result is nil.
func ErrorOf(err error) *Error {
	if isNil(err) {
		return nil
	}
	kind := KindOf(err)
	if e, ok := err.(*Error); ok && e.Kind == kind {
		return e
	}
	c := &Error{Kind: kind, Err: err}
	var inner *Error
	if errors.As(err, &inner) {
		c.Field, c.Code, c.RetryAfter = inner.Field, inner.Code, inner.RetryAfter
	}
	return c
}

// isNil reports whether err is nil or holds a nil value. A driver that declares its error variable as a pointer returns such values.
func isNil(err error) bool {
	if err == nil {
		return true
	}
	switch v := reflect.ValueOf(err); v.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan:
		return v.IsNil()
	}
	return false
}

// firstKind returns the first kind in err's tree that is not Unknown, in the order of errors.As.
func firstKind(err error) Kind {
	switch e := err.(type) {
	case *Error:
		if e.Kind != Unknown {
			return e.Kind
		}
	case Kind:
		return e
	}
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		return firstKind(w.Unwrap())
	case interface{ Unwrap() []error }:
		for _, e := range w.Unwrap() {
			if k := firstKind(e); k != Unknown {
				return k
			}
		}
	}
	return Unknown
}
