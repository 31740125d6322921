package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// A Report is the result of a message: one [Outcome] per delivery, by recipient, then by channel, then by address. Group channels of a
// message to several recipients come last.
type Report struct {
	ID         string    `json:"id"`                 // of the message; empty if the message was refused
	Repeated   bool      `json:"repeated,omitempty"` // the first report of a message with the same Key
	Deliveries []Outcome `json:"deliveries"`
}

// Err joins the failures of the recipients that were not reached. A fallback that worked is no error, nor is a delivery that was not needed
// or is in flight. errors.Is and errors.As reach every cause, and each cause's [channel.Kind].
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
	Reached    bool      `json:"reached"`             // the recipient counts as told, over this channel or another
	Duplicate  bool      `json:"duplicate,omitempty"` // the recipient may have got the message more than once
	At         time.Time `json:"at,omitzero"`         // of the change to Status
	Until      time.Time `json:"until,omitzero"`      // of a held delivery: the time of the next look
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

// A Status is the state of a delivery; see [store.Status]. The zero Status is never a success.
type Status = store.Status

// The statuses.
const (
	Accepted   = store.Accepted   // to be sent
	Held       = store.Held       // waiting, for the Reason
	Sent       = store.Sent       // accepted by the provider
	Delivered  = store.Delivered  // arrived at the device or mailbox
	Read       = store.Read       // opened by the recipient
	Failed     = store.Failed     // certainly not sent, or bounced
	Unknown    = store.Unknown    // possibly sent: the answer was lost, and another attempt was not allowed or did not help
	Suppressed = store.Suppressed // deliberately not sent
	Canceled   = store.Canceled   // stopped before it was sent
	Expired    = store.Expired    // not sent in time to be of use
)

// A Reason explains the [Status] of a delivery. The list is closed. See [store.Reason].
type Reason = store.Reason

// The reasons, after the status that each explains. A delivery that would have failed is unknown, for the same reason, if one of its attempts
// may have been sent.
const (
	ReasonScheduled = store.ReasonScheduled // held: until its SendAt
	ReasonWaiting   = store.ReasonWaiting   // held: until the dispatcher starts it
	ReasonRetry     = store.ReasonRetry     // held: the last attempt failed
	ReasonPaused    = store.ReasonPaused    // held: the channel is paused
	ReasonThrottled = store.ReasonThrottled // failed: the wait would exceed MaxWait

	ReasonInvalid       = store.ReasonInvalid       // failed: no such recipient, or an invalid address; suppressed: an earlier message found that
	ReasonRejected      = store.ReasonRejected      // failed: the content can never work
	ReasonUnreachable   = store.ReasonUnreachable   // failed: the recipient cannot be reached now
	ReasonMisconfigured = store.ReasonMisconfigured // failed: the channel needs an operator
	ReasonExhausted     = store.ReasonExhausted     // failed: all attempts were used up
	ReasonBounced       = store.ReasonBounced       // failed: the message came back; suppressed: an earlier one did

	ReasonTooLate   = store.ReasonTooLate   // any: canceled too late, when the driver might have been called already
	ReasonNotNeeded = store.ReasonNotNeeded // suppressed: the dispatcher dropped it
	ReasonStuck     = store.ReasonStuck     // suppressed: the dispatcher gave no next step
)
