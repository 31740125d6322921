package notify

import (
	"cmp"
	"errors"
	"time"
)

// An Engine tunes [Notifier.Run]. The zero Engine means all defaults.
type Engine struct {
	// Lease is how long a delivery stays with a process that died, before another takes it over. The default is 15 s, the least
	// 100 ms.
	Lease time.Duration
	// Poll is how often the store is asked for what other processes accepted without a hint. The default is 1 s, the least 10 ms: what
	// this process accepts is found at once, whatever it is.
	Poll time.Duration
	// Retention is how long the message log keeps messages after they were accepted, if nothing of them is live. The default is 90
	// days; negative is for ever.
	Retention time.Duration
}

// orDefaults fills e's zero fields.
func (e Engine) orDefaults() Engine {
	return Engine{
		Lease:     cmp.Or(e.Lease, 15*time.Second),
		Poll:      cmp.Or(e.Poll, time.Second),
		Retention: cmp.Or(e.Retention, 90*24*time.Hour),
	}
}

const (
	// shortestLease leaves the heartbeat time to come.
	shortestLease = 100 * time.Millisecond
	// shortestPoll leaves the store time for other things than being asked.
	shortestPoll = 10 * time.Millisecond
)

func (e Engine) valid() error {
	switch {
	case e.Lease != 0 && e.Lease < shortestLease:
		return errors.New("the Lease is shorter than 100ms")
	case e.Poll != 0 && e.Poll < shortestPoll:
		return errors.New("the Poll is shorter than 10ms")
	}
	return nil
}
