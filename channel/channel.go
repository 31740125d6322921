// Package channel is the port between notify and the media that carry its messages. A driver implements [Channel]: Send takes a
// [Delivery] and returns a [Receipt], or an [Error] that tells whether another attempt can help.
//
// A driver makes one attempt per call and reports the outcome faithfully. Retries, rates, deadlines and the message log are
// implemented once, above all drivers. Drivers declare everything else through small optional interfaces, which [As] finds:
//
//	Valid() error                    // checks the driver's configuration; called by notify.New
//	Validate(Delivery) error         // checks address, content, extra and size, without network access
//	AddressKind() string             // the kind of address to send to: Email, Phone, UserID, None or the driver's own
//	Limits() Limits                  // the provider's limits
//	Close() error                    // or Close(context.Context) error, to finish calls in flight
package channel

import (
	"context"
	"io"
)

// A Channel carries one rendered [Delivery] to one recipient.
//
// Send must be safe for concurrent use. It makes one attempt and never retries: retries, limits and deadlines belong to the caller.
// Send must return soon after ctx is done. It must not modify anything that d points to, and must not use d after returning.
//
// A non-nil error should wrap an [*Error], whose [Kind] tells whether another attempt can help. Any other error counts as
// [Unknown]. If the driver implements [Validator], Send is never called with a Delivery that Validate refused.
type Channel interface {
	Send(ctx context.Context, d Delivery) (Receipt, error)
}

// A Func is a [Channel] made of a Send function.
type Func func(ctx context.Context, d Delivery) (Receipt, error)

// Send calls f.
func (f Func) Send(ctx context.Context, d Delivery) (Receipt, error) { return f(ctx, d) }

// Kinds of address, as declared by an [Addresser]. A driver may also declare a kind of its own.
const (
	Email  = "email"   // a mailbox, such as ann@example.com
	Phone  = "phone"   // an E.164 number, such as +8613800138000
	UserID = "user_id" // the recipient's own ID
	None   = "none"    // no address: a group channel, such as a chat robot
)

// Limits are a provider's limits. A zero field means no known limit.
type Limits struct {
	Rate        float64 // calls per second
	Burst       int     // calls at once after an idle period
	Concurrency int     // calls in flight
	Costly      bool    // a duplicate costs money or trust: each answer is stored at once
}

// The optional interfaces, found by [As].
type (
	// A Validator refuses, without I/O, deliveries that can never succeed. Its error is an [*Error] whose Field is the path of the
	// fault in the Delivery's JSON, such as "to", "content.title" or "extra.at".
	Validator interface{ Validate(d Delivery) error }

	// A Configured driver checks its own configuration, without I/O.
	Configured interface{ Valid() error }

	// An Addresser declares the kind of address to send to. With "", as without an Addresser, a recipient needs an address under
	// the channel's own name.
	Addresser interface{ AddressKind() string }

	// A Limiter declares its provider's limits.
	Limiter interface{ Limits() Limits }

	// A Drainer closes gracefully: Close waits for the calls in flight until ctx is done. A driver with nothing to drain
	// implements [io.Closer] instead.
	Drainer interface {
		Close(ctx context.Context) error
	}
)

// As returns the first T in c's chain: c itself, then the channel that c wraps, and so on. A wrapper has a method Unwrap() Channel.
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

// unwrap returns the channel that c wraps, or nil.
func unwrap(c Channel) Channel {
	if w, ok := c.(interface{ Unwrap() Channel }); ok {
		return w.Unwrap()
	}
	return nil
}

// Valid calls the first [Configured] in c's chain. Without one, c is valid.
func Valid(c Channel) error {
	if v, ok := As[Configured](c); ok {
		return v.Valid()
	}
	return nil
}

// Validate calls the first [Validator] in c's chain. Without one, c accepts every Delivery.
func Validate(c Channel, d Delivery) error {
	if v, ok := As[Validator](c); ok {
		return v.Validate(d)
	}
	return nil
}

// AddressKind returns the kind of address that the first [Addresser] in c's chain declares, or "" without one.
func AddressKind(c Channel) string {
	if a, ok := As[Addresser](c); ok {
		return a.AddressKind()
	}
	return ""
}

// LimitsOf returns the limits that the first [Limiter] in c's chain declares, or the zero Limits without one.
func LimitsOf(c Channel) Limits {
	if l, ok := As[Limiter](c); ok {
		return l.Limits()
	}
	return Limits{}
}

// Close closes the first [Drainer] or [io.Closer] in c's chain. Without one, Close is a no-op.
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
