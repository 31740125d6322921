// Package channel is the port between notify and the media that it sends over: the [Channel] that a driver implements, the
// [Delivery] it is given, the [Receipt] it returns and the [Error] that says whether trying again can help.
//
// A driver makes one attempt and tells the truth about it. Retries, rates, deadlines and the message log live once, above all
// drivers. What a driver needs it declares through small optional interfaces, which [As] finds:
//
//	Valid() error                    // its own configuration; notify.New asks
//	Validate(Delivery) error         // address, content, extra and size; no network
//	AddressKind() string             // which of a recipient's addresses it takes: Email, Phone, UserID, None
//	Limits() Limits                  // what the provider allows
//	Close() error                    // or Close(context.Context) error, to drain
package channel

import (
	"context"
	"io"
)

// A Channel carries one rendered [Delivery] to one recipient.
//
// Send may be called by many goroutines at once. It makes one attempt and never retries; the caller owns retries, limits and
// deadlines. It returns soon after ctx is done and keeps no reference to d, nor changes what d points to. A non-nil error should
// wrap an [*Error] that says whether trying again can help; any other error counts as [Unknown]. If the driver has Validate, Send
// is never called with a Delivery that Validate refused.
type Channel interface {
	Send(ctx context.Context, d Delivery) (Receipt, error)
}

// A Func is a function that serves as a [Channel].
type Func func(ctx context.Context, d Delivery) (Receipt, error)

// Send calls f.
func (f Func) Send(ctx context.Context, d Delivery) (Receipt, error) { return f(ctx, d) }

// Kinds of address that a driver may declare with AddressKind. A driver may also name a kind of its own.
const (
	Email  = "email"   // a mailbox, such as ann@example.com
	Phone  = "phone"   // an E.164 number, such as +8613800138000
	UserID = "user_id" // the recipient's own ID
	None   = "none"    // no address: a group channel, such as a robot in a chat
)

// Limits are what a provider allows. A zero field means that the driver knows of no limit.
type Limits struct {
	Rate        float64 // calls a second
	Burst       int     // calls at once after a rest
	Concurrency int     // calls under way at a time
	Costly      bool    // a duplicate costs money or trust: each answer is stored at once
}

// The optional interfaces, found by [As].
type (
	// A Validator refuses a delivery that can never work, at once and without I/O. Its error is an [*Error] with Field set to the path
	// in the Delivery's JSON, such as "to", "content.title" or "extra.at".
	Validator interface{ Validate(d Delivery) error }

	// A Configured driver checks its own configuration, without I/O.
	Configured interface{ Valid() error }

	// An Addresser says which kind of address it takes. The empty string is the same as not declaring one: then only an
	// address under the channel's own name will do.
	Addresser interface{ AddressKind() string }

	// A Limiter says what its provider allows.
	Limiter interface{ Limits() Limits }

	// A Drainer closes gracefully: it finishes what is under way until ctx ends. A driver that has nothing to drain is an
	// [io.Closer] instead.
	Drainer interface {
		Close(ctx context.Context) error
	}
)

// As finds the first channel that is a T: c itself, or what it wraps, as told by Unwrap() Channel.
func As[T any](c Channel) (T, bool) {
	for c != nil {
		if t, ok := c.(T); ok {
			return t, true
		}
		c = unwrap(c)
	}
	var zero T
	return zero, false
}

// unwrap returns what c wraps, or nil.
func unwrap(c Channel) Channel {
	if w, ok := c.(interface{ Unwrap() Channel }); ok {
		return w.Unwrap()
	}
	return nil
}

// Valid asks c for the faults of its configuration. A channel that declares nothing is valid.
func Valid(c Channel) error {
	if v, ok := As[Configured](c); ok {
		return v.Valid()
	}
	return nil
}

// Validate asks c whether d can work. A channel that declares nothing takes everything.
func Validate(c Channel, d Delivery) error {
	if v, ok := As[Validator](c); ok {
		return v.Validate(d)
	}
	return nil
}

// AddressKind returns the kind of address that c declares, or "".
func AddressKind(c Channel) string {
	if a, ok := As[Addresser](c); ok {
		return a.AddressKind()
	}
	return ""
}

// LimitsOf returns the limits that c declares, or none.
func LimitsOf(c Channel) Limits {
	if l, ok := As[Limiter](c); ok {
		return l.Limits()
	}
	return Limits{}
}

// Close closes the first channel that is a [Drainer] or an [io.Closer]: c itself, or what it wraps.
func Close(ctx context.Context, c Channel) error {
	for ; c != nil; c = unwrap(c) {
		switch closer := c.(type) {
		case Drainer:
			return closer.Close(ctx)
		case io.Closer:
			return closer.Close()
		}
	}
	return nil
}
