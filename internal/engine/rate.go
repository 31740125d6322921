package engine

import (
	"math"
	"sync"
	"time"
)

// A rate hands out tickets: the times at which the calls of a channel may begin. A ticket that is returned goes to the next who asks,
// even if later ones are taken, so a delivery that is canceled delays no other.
type rate struct {
	every time.Duration // from one ticket to the next
	rest  time.Duration // the age up to which a ticket is valid; it makes the burst

	mu   sync.Mutex
	next time.Time   // the first ticket that was never taken
	free []time.Time // tickets before next that were returned, in order
}

// forever is short enough to be added to any time.
const forever = 100 * 365 * 24 * time.Hour

func newRate(perSecond float64, burst int) *rate {
	every := min(float64(time.Second)/perSecond, float64(forever))
	rest := min(every*float64(burst-1), float64(forever))
	return &rate{every: time.Duration(math.Ceil(every)), rest: time.Duration(rest)}
}

// take returns a ticket and the time until it. If that is longer than most, no ticket is taken.
func (r *rate) take(now time.Time, most time.Duration) (ticket time.Time, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := now.Add(-r.rest)
	for len(r.free) > 0 && r.free[0].Before(oldest) {
		r.free = r.free[1:]
	}
	ticket = r.next
	if len(r.free) > 0 {
		ticket = r.free[0]
	} else if ticket.Before(oldest) {
		ticket = oldest
	}
	if wait = max(0, ticket.Sub(now)); wait > most {
		return time.Time{}, wait
	}
	if len(r.free) > 0 {
		r.free = r.free[1:]
	} else {
		r.next = ticket.Add(r.every)
	}
	return ticket, wait
}

func (r *rate) giveBack(ticket time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free = append(r.free, ticket)
	for i := len(r.free) - 1; i > 0 && r.free[i].Before(r.free[i-1]); i-- {
		r.free[i], r.free[i-1] = r.free[i-1], r.free[i]
	}
	for last := len(r.free) - 1; last >= 0 && r.free[last].Add(r.every).Equal(r.next); last-- {
		r.next, r.free = r.free[last], r.free[:last]
	}
}

// missed reports whether a ticket is so old that a call now would exceed the rate. A timer that rings late misses nothing.
func (r *rate) missed(ticket, now time.Time) bool {
	return now.Sub(ticket) > min(r.rest+max(r.every, 100*time.Millisecond), forever)
}

// within returns the number of tickets in a time, at least one.
func (r *rate) within(d time.Duration) int {
	return max(1, int(min((d+r.rest)/max(r.every, 1), 1<<20)))
}

// idle reports whether every ticket up to now is free.
func (r *rate) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.next.After(time.Now().Add(r.every))
}
