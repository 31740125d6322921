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

// MarshalJSON writes o with its error in parts; see Err.
func (o Outcome) MarshalJSON() ([]byte, error) {
	type plain Outcome // without methods
	return json.Marshal(struct {
		plain
		Error *store.Failure `json:"error,omitempty"`
	}{plain(o), store.FailureOf(channel.ErrorOf(o.Err))})
}

// UnmarshalJSON reads the output of MarshalJSON. The error has the same text and Kind; its cause is gone.
func (o *Outcome) UnmarshalJSON(b []byte) error {
	type plain Outcome
	var j struct {
		plain
		Error *store.Failure `json:"error,omitempty"`
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*o = Outcome(j.plain)
	e, err := j.Error.Err()
	if e != nil {
		o.Err = e
	}
	return err
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

// A Reason says why a delivery has its [Status]. The list is closed. See [store.Reason].
type Reason = store.Reason

// The reasons, behind the status that each explains. A delivery that would have failed is unknown, for the same reason, if one of
// its attempts may have gone out.
const (
	ReasonScheduled = store.ReasonScheduled // held: until its SendAt
	ReasonWaiting   = store.ReasonWaiting   // held: the dispatcher lets it wait
	ReasonRetry     = store.ReasonRetry     // held: the last attempt failed
	ReasonPaused    = store.ReasonPaused    // held: its channel waits
	ReasonThrottled = store.ReasonThrottled // failed: it would have had to wait too long

	ReasonInvalid       = store.ReasonInvalid       // failed: no such recipient or address, or a fault in the address; suppressed: that was found before
	ReasonRejected      = store.ReasonRejected      // failed: the content can never work
	ReasonUnreachable   = store.ReasonUnreachable   // failed: the recipient cannot be reached now
	ReasonMisconfigured = store.ReasonMisconfigured // failed: the channel needs an operator
	ReasonExhausted     = store.ReasonExhausted     // failed: all attempts were used up
	ReasonBounced       = store.ReasonBounced       // failed: it was taken and came back; suppressed: so was an earlier one

	ReasonTooLate   = store.ReasonTooLate   // it was canceled when its driver might have been called already; it stands as it does all the same
	ReasonNotNeeded = store.ReasonNotNeeded // suppressed: the dispatcher dropped it
	ReasonStuck     = store.ReasonStuck     // suppressed: the dispatcher left it without a next step
)
