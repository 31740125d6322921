package engine

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// An Event is a step of a delivery or, with Name "paused", of a channel. Names are those of notify.TransitionEvent.
type Event struct {
	Name              string
	Message, Delivery string // ids
	Tenant, Class     string
	Channel, User, To string
	Fate
	Took time.Duration // a time that belongs to the event; see notify.TransitionEvent
}

// during returns f while its driver is called for the n-th time: what the attempt makes of it is told by the event that follows.
func (f Fate) during(n int, duplicate bool, e *channel.Error) Fate {
	f.Status, f.Reason, f.Attempts, f.Failure = store.Accepted, "", n, e
	f.Duplicate = f.Duplicate || duplicate
	return f
}

// pause holds a channel as e asks for, and returns the rest of its pause, and whether it was not held before. Only then it is logged and
// told, not for each call that was in flight.
func (c *core) pause(ch *Channel, e *channel.Error, patient bool) (wait time.Duration, first bool) {
	wait, first = ch.pause(time.Now(), e, patient)
	if !first {
		return wait, false
	}
	log := c.log.Warn
	if e.Kind == channel.Misconfigured {
		log = c.log.Error
	}
	if c.tell != nil {
		c.tell(Event{Name: "paused", Channel: ch.Name, Fate: Fate{Failure: e}, Took: wait})
	}
	log("channel paused", "channel", ch.Name, "kind", e.Kind.Error(), "code", e.Code, "for", wait)
	return wait, true
}
