package notify

import (
	"math"
	"sync"
	"time"
)

// A pace hands out tickets of a channel's rate: the times at which calls may begin. A ticket that is given back goes to whoever
// asks next, even if later ones are taken, so that those who give up hold up nobody.
type pace struct {
	every time.Duration // from one ticket to the next
	rest  time.Duration // how long ago a ticket may have been that is still of use; it makes the burst

	mu   sync.Mutex
	next time.Time   // the first ticket that nobody has taken yet
	free []time.Time // tickets before next that were given back, in order
}

// forever is short enough to be added to any time.
const forever = 100 * 365 * 24 * time.Hour

func newPace(rate float64, burst int) *pace {
	every := min(float64(time.Second)/rate, float64(forever))
	rest := min(every*float64(burst-1), float64(forever))
	return &pace{every: time.Duration(math.Ceil(every)), rest: time.Duration(rest)}
}

// take returns a ticket and how long it is until then. If that is longer than most, the ticket stays free and is not returned.
func (p *pace) take(now time.Time, most time.Duration) (ticket time.Time, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := now.Add(-p.rest)
	for len(p.free) > 0 && p.free[0].Before(oldest) {
		p.free = p.free[1:]
	}
	ticket = p.next
	if len(p.free) > 0 {
		ticket = p.free[0]
	} else if ticket.Before(oldest) {
		ticket = oldest
	}
	if wait = max(0, ticket.Sub(now)); wait > most {
		return time.Time{}, wait
	}
	if len(p.free) > 0 {
		p.free = p.free[1:]
	} else {
		p.next = ticket.Add(p.every)
	}
	return ticket, wait
}

// giveBack frees a ticket at which no call began.
func (p *pace) giveBack(ticket time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, ticket)
	for i := len(p.free) - 1; i > 0 && p.free[i].Before(p.free[i-1]); i-- {
		p.free[i], p.free[i-1] = p.free[i-1], p.free[i]
	}
	for last := len(p.free) - 1; last >= 0 && p.free[last].Add(p.every).Equal(p.next); last-- {
		p.next, p.free = p.free[last], p.free[:last]
	}
}

// missed reports whether a ticket was so long ago that a call now would come on top of others. Timers that ring late miss nothing.
func (p *pace) missed(ticket, now time.Time) bool {
	return now.Sub(ticket) > min(p.rest+max(p.every, 100*time.Millisecond), forever)
}

// within returns how many tickets there are in a time, at least one.
func (p *pace) within(d time.Duration) int {
	return max(1, int(min((d+p.rest)/max(p.every, 1), 1<<20)))
}
