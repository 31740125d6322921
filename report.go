package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Report says what became of a message: one [Outcome] per delivery, by recipient, then by channel, then by address. Group
// channels of a message to several recipients come last.
type Report struct {
	ID         string    `json:"id"`                 // of the message; empty if it was refused
	Repeated   bool      `json:"repeated,omitempty"` // the first report of a message with the same Key
	Deliveries []Outcome `json:"deliveries"`
}

// Err joins the failures of those who were not reached. A fallback that worked is no error, nor is a delivery that
// was not needed.
// errors.Is and errors.As reach every cause, and each cause's [channel.Kind].
func (r Report) Err() error {
	var errs []error
	for _, o := range r.Deliveries {
		if o.Err == nil || o.Reached {
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
	Attempts   int       `json:"attempts"`       // calls of the driver
	Reached    bool      `json:"reached"`        // the recipient counts as told, over this channel or another
	At         time.Time `json:"at,omitzero"`    // when it came to its status
	Until      time.Time `json:"until,omitzero"` // while it is held: when it is looked at again
	Err        error     `json:"-"`              // always a [*channel.Error]; in JSON as "error": kind, field, code, retry_after, text
}

// failure is an Outcome's Err in JSON.
type failure struct {
	Kind       channel.Kind `json:"kind"`
	Field      string       `json:"field,omitempty"`
	Code       string       `json:"code,omitempty"`
	RetryAfter string       `json:"retry_after,omitempty"` // as of time.Duration
	Text       string       `json:"text,omitempty"`
}

// outcome is an Outcome without methods.
type outcome Outcome

type outcomeJSON struct {
	outcome
	Error *failure `json:"error,omitempty"`
}

// MarshalJSON writes o with its error as kind, code and text.
func (o Outcome) MarshalJSON() ([]byte, error) {
	j := outcomeJSON{outcome: outcome(o)}
	if e := classify(o.Err); e != nil {
		j.Error = &failure{Kind: e.Kind, Field: e.Field, Code: e.Code}
		if e.RetryAfter > 0 {
			j.Error.RetryAfter = e.RetryAfter.String()
		}
		if e.Err != nil {
			j.Error.Text = e.Err.Error()
		}
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote. The error reads the same, and has the same Kind; its cause is gone.
func (o *Outcome) UnmarshalJSON(b []byte) error {
	var j outcomeJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*o = Outcome(j.outcome)
	if f := j.Error; f != nil {
		e := &channel.Error{Kind: f.Kind, Field: f.Field, Code: f.Code}
		if f.RetryAfter != "" {
			d, err := time.ParseDuration(f.RetryAfter)
			if err != nil {
				return fmt.Errorf("notify: retry_after: %w", err)
			}
			e.RetryAfter = d
		}
		if f.Text != "" {
			e.Err = errors.New(f.Text)
		}
		o.Err = e
	}
	return nil
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

// A Status is where a delivery stands. The zero Status, of a delivery that nobody has looked at, is never a success.
type Status string

// The statuses.
const (
	Accepted   Status = "accepted"   // it is to go out
	Held       Status = "held"       // it waits; the Reason says for what
	Sent       Status = "sent"       // the provider took it
	Delivered  Status = "delivered"  // it reached the device or the mailbox
	Read       Status = "read"       // the recipient opened it
	Failed     Status = "failed"     // it certainly did not go out, or came back
	Unknown    Status = "unknown"    // it may have gone out: the answer was lost, and trying again was not allowed or did not help
	Suppressed Status = "suppressed" // it was not to go out after all
	Canceled   Status = "canceled"   // it was stopped before it went out
	Expired    Status = "expired"    // it lost its use before it could go out
)

// Settled reports whether nothing more will be tried. A receipt may still raise Sent to Delivered or Read.
func (s Status) Settled() bool { return s != "" && s != Accepted && s != Held }

// Reaches reports whether s is as good as level, which is Sent, Delivered or Read, or better.
func (s Status) Reaches(level Status) bool { return level.height() > 0 && s.height() >= level.height() }

func (s Status) height() int {
	switch s {
	case Sent:
		return 1
	case Delivered:
		return 2
	case Read:
		return 3
	}
	return 0
}

// A Reason says why a delivery has its [Status]. The list is closed.
type Reason string

// The reasons, behind the status that each explains. A delivery that would have failed is unknown, for the same reason, if one of
// its attempts may have gone out.
const (
	ReasonRetry     Reason = "retry"     // held: the last attempt failed
	ReasonPaused    Reason = "paused"    // held: its channel waits
	ReasonThrottled Reason = "throttled" // failed: it would have had to wait too long

	ReasonInvalid       Reason = "invalid"       // failed: no such recipient or address, or a fault in the address
	ReasonRejected      Reason = "rejected"      // failed: the content can never work
	ReasonUnreachable   Reason = "unreachable"   // failed: the recipient cannot be reached now
	ReasonMisconfigured Reason = "misconfigured" // failed: the channel needs an operator
	ReasonExhausted     Reason = "exhausted"     // failed: all attempts were used up
	ReasonBounced       Reason = "bounced"       // failed: it was taken and came back

	ReasonNotNeeded Reason = "not_needed" // suppressed: the dispatcher dropped it
	ReasonStuck     Reason = "stuck"      // suppressed: the dispatcher left it without a next step
)
