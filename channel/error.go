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

// A Kind says what a failure means for the caller. It is an error itself, so that errors.Is(err, channel.RateLimited) works.
type Kind string

// The kinds of failure.
const (
	// Unknown is the zero Kind: an unclassified error. It is treated as [Uncertain].
	Unknown Kind = ""
	// Temporary: certainly refused or never sent; trying again later can help.
	Temporary Kind = "temporary"
	// RateLimited: this account, robot or API must wait RetryAfter; nothing was sent.
	RateLimited Kind = "rate_limited"
	// Unreachable: this recipient cannot be reached now (offline, handset off, day quota); the address is good.
	Unreachable Kind = "unreachable"
	// InvalidRecipient: this address can never work.
	InvalidRecipient Kind = "invalid_recipient"
	// Rejected: this content can never work; a refused template or signature too.
	Rejected Kind = "rejected"
	// Misconfigured: every send fails until an operator acts.
	Misconfigured Kind = "misconfigured"
	// Uncertain: it may have left; the answer was lost or not understood.
	Uncertain Kind = "uncertain"
)

// Error returns the kind's name.
func (k Kind) Error() string {
	if k == Unknown {
		return "unknown"
	}
	return string(k)
}

// An Error is a classified failure of one attempt. Its text never holds a secret, an address or a part of the message.
type Error struct {
	Kind  Kind
	Field string // the path in the Delivery's JSON that is at fault, if one is
	Code  string // the vendor's own code
	// RetryAfter is how long the provider asked to wait. Zero means no wish.
	RetryAfter time.Duration
	Err        error // the cause, prefixed with the driver's name; nil if Kind says it all
}

// Error returns the cause, with the field before it and kind, code and wait behind it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Field != "" {
		b.WriteString(e.Field + ": ")
	}
	if e.Err != nil {
		b.WriteString(e.Err.Error() + " ")
	}
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

// KindOf finds the Kind of err: that of the first [*Error] or bare Kind in it that has one. An ended context and a network timeout
// are [Uncertain], because the request may have left. Anything else, nil included, is [Unknown].
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

// ErrorOf returns err as an [*Error]: err itself if it is an Error with the kind that [KindOf] finds, otherwise an Error of that kind
// around err, with the Field, Code and RetryAfter of the first Error in it. Nil is no error, nor is a nil pointer of any type: both
// give nil.
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

// isNil reports whether err is nil or holds a nil value, as a driver returns that declares its error as a pointer.
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

// firstKind walks err's tree in the order of errors.As.
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
