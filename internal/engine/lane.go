package engine

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

// fastEnough is the time in which all deliveries claimed ahead should be called. Slower ones are claimed when a slot is free, or they would
// wait out their leases behind others.
const fastEnough = 20 * time.Millisecond

// A lane is a channel's queue of one class in this process, under the runner's lock.
type lane struct {
	name    store.Lane
	channel *Channel

	look       time.Time     // our clock: when to ask the store again; zero is now
	poll       time.Duration // the longest rest without a hint
	contention time.Duration // the next rest while other processes hold the due deliveries
	ready      []*job        // claimed and not called yet, in order
	quarantine []*job        // the same, but called one at a time in the whole process; they take no room from others
	decided    int           // jobs that were not enqueued (yet), until their settlement is committed
	calling    int           // jobs that hold a slot
	open       int           // jobs that were called, until they are settled: the possible duplicates

	average time.Duration // of a call; zero: unknown
	ticket  time.Time     // in the channel's rate, for the next call; zero: none
	timer   *time.Timer   // fires at ticket
}

func (r *runner) addLanes() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.channels {
		c.lanes = nil
		for _, class := range r.config.Classes {
			l := &lane{name: store.LaneOf(c.Name, class), channel: c, poll: min(firstPoll, r.config.Poll), contention: firstContention}
			c.lanes = append(c.lanes, l)
			r.lanes = append(r.lanes, l)
			r.byName[l.name] = l
		}
	}
}

// roomLocked returns the number of deliveries that l could take now.
func (l *lane) roomLocked() (room, limit int) {
	slots := l.channel.Policy.Concurrency
	if l.channel.strikes.Load() > 0 {
		slots = 1
	}
	limit = 2 * slots
	if l.average > 0 {
		limit = min(limit, int(int64(slots)*int64(fastEnough)/int64(l.average)))
	}
	if l.channel.rate != nil {
		limit = min(limit, l.channel.rate.within(time.Second))
	}
	limit = max(limit, slots-l.calling, 1)
	return limit - len(l.ready) - l.decided, limit
}

// mayCallLocked reports whether l has a slot for a call. Lanes of one channel share the channel's cap.
func (l *lane) mayCallLocked() bool {
	p, busy := &l.channel.Policy, 0
	for _, other := range l.channel.lanes {
		busy += other.calling
	}
	open := 2 * p.Concurrency
	if p.Costly {
		open = p.Concurrency
	}
	switch {
	case l.calling >= p.Concurrency, l.open >= open:
		return false
	case l.channel.strikes.Load() > 0:
		return busy == 0
	}
	return l.channel.Cap == 0 || busy < l.channel.Cap
}

// feedLocked begins the calls that the channel's lanes may make now. The first class goes first, and the others take turns.
func (r *runner) feedLocked(c *Channel) {
	if r.draining {
		return
	}
	now := time.Now()
	if wait := c.barred(now); wait > 0 {
		r.returnAllLocked(c, wait)
		return
	}
	for moved := true; moved; {
		moved = r.feedOneLocked(c.lanes[0], now)
		for range c.lanes[1:] {
			c.lastFed = c.lastFed%(len(c.lanes)-1) + 1
			moved = r.feedOneLocked(c.lanes[c.lastFed], now) || moved
		}
	}
	for _, l := range c.lanes {
		if room, limit := l.roomLocked(); 2*room >= limit {
			signal(r.news)
		}
	}
}

// feedOneLocked begins one call of l, and reports whether one began.
func (r *runner) feedOneLocked(l *lane, now time.Time) bool {
	queue := &l.ready
	if len(l.quarantine) > 0 && !r.quarantined {
		queue = &l.quarantine
	}
	for len(*queue) > 0 && r.overdue((*queue)[0], r.now()) {
		shift(queue)
		l.decided++
	}
	if len(*queue) == 0 || !l.mayCallLocked() || !r.inRateLocked(l, now) {
		return false
	}
	j := shift(queue)
	r.quarantined = r.quarantined || j.quarantined
	l.ticket = time.Time{}
	l.calling++
	l.open++
	r.calls.Add(1)
	j.called = true
	go r.attempt(j)
	return true
}

func shift(queue *[]*job) *job {
	j := (*queue)[0]
	(*queue)[0] = nil
	*queue = (*queue)[1:]
	return j
}

// returnAllLocked holds the uncalled deliveries of a channel that cannot be called for a while.
func (r *runner) returnAllLocked(c *Channel, wait time.Duration) {
	for _, l := range c.lanes {
		for _, j := range l.emptyLocked() {
			r.postpone(j, store.Held, store.ReasonPaused, r.now().Add(wait))
		}
	}
}

// emptyLocked empties l, and returns the uncalled jobs, which are to be settled.
func (l *lane) emptyLocked() []*job {
	jobs := append(l.quarantine, l.ready...)
	l.quarantine, l.ready = nil, nil
	l.decided += len(jobs)
	if !l.ticket.IsZero() {
		l.channel.rate.giveBack(l.ticket)
		l.ticket = time.Time{}
	}
	return jobs
}

// inRateLocked reports whether the channel's rate lets l begin a call now. If not, the channel is fed again when it does.
func (r *runner) inRateLocked(l *lane, now time.Time) bool {
	c := l.channel
	if c.rate == nil {
		return true
	}
	if l.ticket.IsZero() || c.rate.missed(l.ticket, now) {
		l.ticket, _ = c.rate.take(now, forever)
	}
	wait := l.ticket.Sub(now)
	if wait <= 0 {
		return true
	}
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.feedLocked(c)
		})
	} else {
		l.timer.Reset(wait)
	}
	return false
}
