package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// A Report says what became of a message: one [Outcome] per delivery, by recipient, then by channel, then by address. Group
// channels of a message to several recipients come last.
type Report struct {
	ID         string    `json:"id"`                 // of the message; empty if it was refused
	Repeated   bool      `json:"repeated,omitempty"` // the first report of a message with the same Key
	Deliveries []Outcome `json:"deliveries"`
}

// Err joins the failures of those who were not reached. A fallback that worked is no error, nor is a delivery that was not needed or
// one that is still under way. errors.Is and errors.As reach every cause, and each cause's [channel.Kind].
func (r Report) Err() error {
	var errs []error
	for _, o := range r.Deliveries {
		if o.Err == nil || o.Reached || o.Status == Accepted || o.Status == Held {
			continue
		}
		to := o.Channel
		if o.Recipient != "" {
			to = fmt.Sprintf("%s for %q", o.Channel, o.Recipient)
		}
		errs = append(errs, fmt.Errorf("notify: %s: %w", to, o.Err))
	}
	return errors.Join(errs...)
}

// An Outcome is what became of one delivery.
type Outcome struct {
	ID         string    `json:"id"`
	Recipient  string    `json:"recipient,omitempty"`
	Channel    string    `json:"channel"`
	To         string    `json:"to,omitempty"`
	ProviderID string    `json:"provider_id,omitempty"` // the vendor's id of the message
	Status     Status    `json:"status"`
	Reason     Reason    `json:"reason,omitempty"`
	Attempts   int       `json:"attempts"`            // calls of the driver
	Reached    bool      `json:"reached"`             // the recipient counts as told, over this channel or another
	Duplicate  bool      `json:"duplicate,omitempty"` // the recipient may have got it more than once
	At         time.Time `json:"at,omitzero"`         // when it came to its status
	Until      time.Time `json:"until,omitzero"`      // while it is held: when it is looked at again
	Err        error     `json:"-"`                   // always a [*channel.Error]; in JSON as "error": kind, field, code, retry_after, text
}

// outcome is an Outcome without methods.
type outcome Outcome

type outcomeJSON struct {
	outcome
	Error *store.Failure `json:"error,omitempty"`
}

// MarshalJSON writes o with its error in parts; see Err.
func (o Outcome) MarshalJSON() ([]byte, error) {
	return json.Marshal(outcomeJSON{outcome(o), failureOf(classify(o.Err))})
}

// UnmarshalJSON reads what MarshalJSON wrote. The error reads the same, and has the same Kind; its cause is gone.
func (o *Outcome) UnmarshalJSON(b []byte) error {
	var j outcomeJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*o = Outcome(j.outcome)
	e, err := errorOf(j.Error)
	if e != nil {
		o.Err = e
	}
	return err
}

// failureOf returns e as it is stored.
func failureOf(e *channel.Error) *store.Failure {
	if e == nil {
		return nil
	}
	f := &store.Failure{Kind: e.Kind, Field: e.Field, Code: e.Code}
	if e.RetryAfter > 0 {
		f.RetryAfter = e.RetryAfter.String()
	}
	if e.Err != nil {
		f.Text = e.Err.Error()
	}
	return f
}

// errorOf returns what was stored as f. It reads the same, and has the same Kind; its cause is gone.
func errorOf(f *store.Failure) (*channel.Error, error) {
	if f == nil {
		return nil, nil
	}
	e := &channel.Error{Kind: f.Kind, Field: f.Field, Code: f.Code}
	if f.Text != "" {
		e.Err = errors.New(f.Text)
	}
	if f.RetryAfter == "" {
		return e, nil
	}
	var err error
	if e.RetryAfter, err = time.ParseDuration(f.RetryAfter); err != nil {
		return e, fmt.Errorf("notify: retry_after: %w", err)
	}
	return e, nil
}

// classify returns err as a channel.Error, wrapping it if it is none. A nil pointer is no error, whatever its type.
func classify(err error) *channel.Error {
	if isNil(err) {
		return nil
	}
	kind := channel.KindOf(err)
	if e, ok := err.(*channel.Error); ok && e.Kind == kind {
		return e
	}
	c := &channel.Error{Kind: kind, Err: err}
	var inner *channel.Error
	if errors.As(err, &inner) {
		c.Field, c.Code, c.RetryAfter = inner.Field, inner.Code, inner.RetryAfter
	}
	return c
}

// A Status is where a delivery stands; see [store.Status]. The zero Status, of a delivery that nobody has looked at, is never a
// success.
type Status = store.Status

// The statuses.
const (
	Accepted   = store.Accepted   // it is to go out
	Held       = store.Held       // it waits; the Reason says for what
	Sent       = store.Sent       // the provider took it
	Delivered  = store.Delivered  // it reached the device or the mailbox
	Read       = store.Read       // the recipient opened it
	Failed     = store.Failed     // it certainly did not go out, or came back
	Unknown    = store.Unknown    // it may have gone out: the answer was lost, and trying again was not allowed or did not help
	Suppressed = store.Suppressed // it was not to go out after all
	Canceled   = store.Canceled   // it was stopped before it went out
	Expired    = store.Expired    // it lost its use before it could go out
)

// A Reason says why a delivery has its [Status]. The list is closed.
type Reason string

// The reasons, behind the status that each explains. A delivery that would have failed is unknown, for the same reason, if one of
// its attempts may have gone out.
const (
	ReasonScheduled Reason = "scheduled" // held: until its SendAt
	ReasonWaiting   Reason = "waiting"   // held: the dispatcher lets it wait
	ReasonRetry     Reason = "retry"     // held: the last attempt failed
	ReasonPaused    Reason = "paused"    // held: its channel waits
	ReasonThrottled Reason = "throttled" // failed: it would have had to wait too long

	ReasonInvalid       Reason = "invalid"           // failed: no such recipient or address, or a fault in the address; suppressed: that was found before
	ReasonRejected      Reason = "rejected"          // failed: the content can never work
	ReasonUnreachable   Reason = "unreachable"       // failed: the recipient cannot be reached now
	ReasonMisconfigured Reason = "misconfigured"     // failed: the channel needs an operator
	ReasonExhausted     Reason = "exhausted"         // failed: all attempts were used up
	ReasonBounced       Reason = store.ReasonBounced // failed: it was taken and came back; suppressed: so was an earlier one

	ReasonTooLate   Reason = "too_late"   // it was canceled when its driver might have been called already; it stands as it does all the same
	ReasonNotNeeded Reason = "not_needed" // suppressed: the dispatcher dropped it
	ReasonStuck     Reason = "stuck"      // suppressed: the dispatcher left it without a next step
)

func isStatus(s Status) bool {
	switch s {
	case Accepted, Held, Sent, Delivered, Read, Failed, Unknown, Suppressed, Canceled, Expired:
		return true
	}
	return false
}

func isReason(r Reason) bool {
	switch r {
	case ReasonScheduled, ReasonWaiting, ReasonRetry, ReasonPaused, ReasonThrottled, ReasonInvalid, ReasonRejected, ReasonUnreachable,
		ReasonMisconfigured, ReasonExhausted, ReasonBounced, ReasonTooLate, ReasonNotNeeded, ReasonStuck:
		return true
	}
	return false
}
