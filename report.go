package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// A Report is the result of a message. It has one [Outcome] per delivery, ordered by recipient, then by channel, then by address. Group
// channels of a message to several recipients come last.
type Report struct {
	ID         string    `json:"id"`                 // of the message; empty if the message was refused
	Repeated   bool      `json:"repeated,omitempty"` // the report is that of an earlier message with the same Key
	Deliveries []Outcome `json:"deliveries"`
}

// Err joins the errors of the recipients that were not reached. A fallback that worked is not an error, nor is a delivery that was not needed
// or is in flight. errors.Is and errors.As find every cause and its [channel.Kind].
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

// An Outcome is the state of one delivery.
type Outcome struct {
	ID         string    `json:"id"`
	Recipient  string    `json:"recipient,omitempty"`
	Channel    string    `json:"channel"`
	To         string    `json:"to,omitempty"`
	ProviderID string    `json:"provider_id,omitempty"` // the vendor's id of the message
	Status     Status    `json:"status"`
	Reason     Reason    `json:"reason,omitempty"`
	Attempts   int       `json:"attempts"`            // calls of the driver
	Reached    bool      `json:"reached"`             // the recipient was reached, over this channel or another
	Duplicate  bool      `json:"duplicate,omitempty"` // the recipient may have received the message more than once
	At         time.Time `json:"at,omitzero"`         // when Status changed last
	Until      time.Time `json:"until,omitzero"`      // when a held delivery is considered again
	Err        error     `json:"-"`                   // nil or a [*channel.Error]; in JSON, "error" with kind, field, code, retry_after and text
}

// MarshalJSON encodes o. The error is an object; see Err.
func (o Outcome) MarshalJSON() ([]byte, error) {
	type plain Outcome // without methods
	return json.Marshal(struct {
		plain
		Error *store.Failure `json:"error,omitempty"`
	}{plain(o), store.FailureOf(channel.ErrorOf(o.Err))})
}

// UnmarshalJSON decodes the output of MarshalJSON. The error keeps its text and its Kind, but not its cause.
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

// A Status is the state of a delivery; see [store.Status]. The zero Status is never a success.
type Status = store.Status

// The statuses.
const (
	Accepted   = store.Accepted   // to be sent
	Held       = store.Held       // waiting; the Reason says for what
	Sent       = store.Sent       // accepted by the provider
	Delivered  = store.Delivered  // arrived at the device or mailbox
	Read       = store.Read       // opened by the recipient
	Failed     = store.Failed     // not sent, or bounced
	Unknown    = store.Unknown    // possibly sent: the answer was lost, and further attempts were not allowed or failed
	Suppressed = store.Suppressed // deliberately not sent
	Canceled   = store.Canceled   // stopped before it was sent
	Expired    = store.Expired    // not sent before ExpireAt
)

// A Reason explains the [Status] of a delivery; see [store.Reason]. There are no other reasons than these.
type Reason = store.Reason

// The reasons. Each comment starts with the status that the reason explains. If an attempt of a failed delivery may have been sent, its status
// is unknown instead of failed, with the same reason.
const (
	ReasonScheduled = store.ReasonScheduled // held: until SendAt
	ReasonWaiting   = store.ReasonWaiting   // held: until the dispatcher starts it
	ReasonRetry     = store.ReasonRetry     // held: the last attempt failed
	ReasonPaused    = store.ReasonPaused    // held: the channel is paused
	ReasonThrottled = store.ReasonThrottled // failed: the wait would exceed MaxWait

	ReasonInvalid       = store.ReasonInvalid       // failed: unknown recipient or invalid address; suppressed: invalid for an earlier message
	ReasonRejected      = store.ReasonRejected      // failed: the content can never work
	ReasonUnreachable   = store.ReasonUnreachable   // failed: the recipient cannot be reached now
	ReasonMisconfigured = store.ReasonMisconfigured // failed: the channel needs an operator
	ReasonExhausted     = store.ReasonExhausted     // failed: all attempts were used up
	ReasonBounced       = store.ReasonBounced       // failed: the message bounced; suppressed: an earlier message bounced

	ReasonTooLate   = store.ReasonTooLate   // any status: canceled too late, when the driver may already have been called
	ReasonNotNeeded = store.ReasonNotNeeded // suppressed: the dispatcher dropped it
	ReasonStuck     = store.ReasonStuck     // suppressed: the dispatcher returned no next step
)
