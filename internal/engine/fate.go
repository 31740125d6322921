package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// longestRetry bounds the wait that a provider may ask of one delivery.
const longestRetry = 24 * time.Hour

// A Fate is the application's view of the state of a delivery.
type Fate struct {
	Status     store.Status
	Reason     store.Reason
	At         time.Time // of the change to Status
	Until      time.Time // when the engine considers a held delivery again
	Attempts   int       // calls of the driver
	Duplicate  bool      // the recipient may have received the message more than once
	Reached    bool      // the recipient was reached
	ProviderID string    // the vendor's id, of the last attempt that has one
	Failure    *channel.Error
}

// An Event is a step of a delivery or, with Name "paused", of a channel. Names are those of notify.TransitionEvent.
type Event struct {
	Name              string
	Delivery          string // id
	Tenant, Class     string
	Channel, User, To string
	Fate
	Took time.Duration // a time that belongs to the event; see notify.TransitionEvent
}

// FateOf returns the fate of a stored delivery, without Reached, which the group decides.
func FateOf(d *store.Delivery) Fate {
	f := Fate{
		Status: d.Status, Reason: d.Reason, At: d.At, Attempts: d.Attempts, ProviderID: d.ProviderID,
		// A receipt may settle a delivery between two crashes during calls, which no settlement records.
		Duplicate: d.Duplicate || d.Lapsed > 0 && d.Status.Settled() && !d.Message.AtMostOnce,
	}
	if d.Canceled && d.Status != store.Canceled && f.Reason == "" {
		f.Reason = store.ReasonTooLate
	}
	if d.Status == store.Held {
		f.Until = d.Due
		if d.NotBefore.After(d.Due) { // woken early
			f.Until = d.NotBefore
		}
	}
	f.Failure, _ = d.Failure.Err()
	return f
}

// during returns the fate during the n-th call. The event after the call reports the consequence.
func (f Fate) during(n int, duplicate bool, e *channel.Error) Fate {
	f.Status, f.Reason, f.Attempts, f.Failure = store.Accepted, "", n, e
	f.Duplicate = f.Duplicate || duplicate
	return f
}

// A history is the part of a delivery's past that affects its next verdict.
type history struct {
	last       *channel.Error // of the last attempt
	spent      int32          // attempts used up, without throttled ones
	doubt      bool           // an attempt may have gone out
	atMostOnce bool           // after an attempt in doubt there is no other
}

// A verdict is the next state of a delivery: settled, or Held until wait has passed.
type verdict struct {
	history
	status  store.Status
	reason  store.Reason
	failure *channel.Error
	wait    time.Duration
}

// endless is the pause of a channel that no delivery waits for.
const endless time.Duration = -1

// answered decides the verdict on a driver's answer. A failure that pauses the channel holds the delivery for the pause. An endless pause holds none.
func (h history) answered(p *Policy, a *answer, pause time.Duration) verdict {
	e := a.failure
	if e == nil {
		return h.ended(store.StatusOf(a.receipt))
	}
	h.last = e
	switch {
	case pausesChannel(e) && pause != endless:
		return h.held(store.ReasonPaused, pause, e)
	case e.Kind == channel.Temporary:
		return h.retried(p, p.Attempts, e)
	case e.Kind.Certain():
		return h.ended(store.Failed, store.ReasonOf(e.Kind), e)
	}
	h.doubt = true
	if h.atMostOnce {
		return h.ended(store.Unknown, "", e)
	}
	return h.retried(p, p.Attempts, e)
}

// retried uses up one of so many attempts. The wait for the next one is the longer of the provider's and the policy's.
func (h history) retried(p *Policy, attempts int, e *channel.Error) verdict {
	h.spent++
	h.last = e
	if int(h.spent) >= attempts {
		return h.ended(store.Failed, store.ReasonExhausted, e)
	}
	return h.held(store.ReasonRetry, max(min(e.RetryAfter, longestRetry), p.wait(int(h.spent))), e)
}

// abandoned decides the verdict on a call that was given up. The call may still succeed, so there is no other attempt.
func (h history) abandoned(e *channel.Error) verdict {
	h.doubt, h.last = true, e
	return h.ended(store.Unknown, "", e)
}

func (h history) held(why store.Reason, wait time.Duration, e *channel.Error) verdict {
	return verdict{history: h, status: store.Held, reason: why, failure: e, wait: wait}
}

// ended settles the delivery. After an attempt in doubt only a success, an invalid address and a bounce are certain.
func (h history) ended(s store.Status, why store.Reason, e *channel.Error) verdict {
	sure := s.Reaches(store.Sent) || s == store.Failed && (why == store.ReasonInvalid || why == store.ReasonBounced)
	if h.doubt && !sure {
		s = store.Unknown
		if e == nil { // dropped
			why, e = "", h.last
		}
	}
	return verdict{history: h, status: s, reason: why, failure: e}
}

func (h history) expired() verdict {
	return h.ended(store.Expired, "", h.stopped(channel.Rejected, "expire_at", errors.New("expired before it could be sent")))
}

func (h history) canceled(cause error) verdict {
	return h.ended(store.Canceled, "", h.stopped(channel.Temporary, "", cause))
}

// stopped returns err with the failure of the last attempt.
func (h history) stopped(kind channel.Kind, field string, err error) *channel.Error {
	if h.last != nil {
		err = fmt.Errorf("%w; the last attempt: %w", err, h.last)
	}
	return &channel.Error{Kind: kind, Field: field, Err: err}
}

// tooLong settles a delivery whose next wait would exceed its channel's MaxWait.
func (h history) tooLong(why store.Reason, wait time.Duration, e *channel.Error) verdict {
	last, reason := *e, store.ReasonThrottled
	last.RetryAfter = wait
	if why == store.ReasonRetry {
		reason = store.ReasonExhausted
	}
	return h.ended(store.Failed, reason, &last)
}

// suppressed settles a delivery to a suppressed address.
func (h history) suppressed(why store.Reason) verdict {
	err := errors.New("is suppressed: a provider refused the address as invalid")
	if why == store.ReasonBounced {
		err = errors.New("is suppressed: an earlier message bounced")
	}
	return h.ended(store.Suppressed, why, &channel.Error{Kind: channel.InvalidRecipient, Field: "to", Err: err})
}

func (h history) dropped() verdict { return h.ended(store.Suppressed, store.ReasonNotNeeded, nil) }

// stuck settles a delivery of a group for which the dispatcher returned no next step.
func (h history) stuck() verdict {
	return h.ended(store.Suppressed, store.ReasonStuck, &channel.Error{
		Kind: channel.Misconfigured, Err: errors.New("the dispatcher must return a next step for the delivery"),
	})
}

// faulty settles a delivery that can never be sent.
func (h history) faulty(e *channel.Error) verdict {
	return h.ended(store.Failed, store.ReasonOf(e.Kind), e)
}

// pausesChannel reports whether e holds the whole channel.
func pausesChannel(e *channel.Error) bool {
	return e.Kind == channel.RateLimited || e.Kind == channel.Misconfigured
}
