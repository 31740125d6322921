package notify

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

// classes, the first of which takes free slots of a channel that has few before the others, which take turns.
var classes = [...]Class{OTP, Transactional, Notice, Marketing}

// fastEnough is how long all that is claimed ahead should take. What is slower is claimed when its slot is free, or it would wait out
// its lease behind others.
const fastEnough = 20 * time.Millisecond

// A lane is a channel's queue of one class in this process. All its fields are the runner's, under its lock.
type lane struct {
	name store.Lane
	gate *gate

	look     time.Time     // our clock: when to ask the store again; zero is now
	poll     time.Duration // the longest rest without a hint
	crowd    time.Duration // the next rest if others hold what is due
	ready    []*job        // claimed and not called yet, in order
	suspects []*job        // as ready, but called one at a time, whatever the lane; they take nobody's room
	judged   int           // jobs that were settled without a call, until that is committed
	calling  int           // jobs that hold a slot
	open     int           // jobs that were called, until they are settled: the possible duplicates

	average time.Duration // of a call; zero: unknown
	ticket  time.Time     // of the channel's rate, for the next call; zero: none
	timer   *time.Timer   // rings at ticket
}

// addLanes makes a lane for each channel and class.
func (r *runner) addLanes() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.inOrder() {
		g.lanes = nil
		for _, class := range classes {
			l := &lane{name: store.LaneOf(g.name, string(class)), gate: g, poll: min(firstPoll, r.options.Poll), crowd: crowded}
			g.lanes = append(g.lanes, l)
			r.lanes = append(r.lanes, l)
			r.byName[l.name] = l
		}
	}
}

// room returns how many deliveries l could take now.
func (l *lane) room() (room, limit int) {
	slots := l.gate.policy.Concurrency
	if l.gate.strikes.Load() > 0 {
		slots = 1
	}
	limit = 2 * slots
	if l.average > 0 {
		limit = min(limit, int(int64(slots)*int64(fastEnough)/int64(l.average)))
	}
	if l.gate.pace != nil {
		limit = min(limit, l.gate.pace.within(time.Second))
	}
	limit = max(limit, slots-l.calling, 1)
	return limit - len(l.ready) - l.judged, limit
}

// mayCall reports whether l has a slot for a call. Lanes of one channel share its cap, if it has one.
func (l *lane) mayCall() bool {
	p, busy := &l.gate.policy, 0
	for _, other := range l.gate.lanes {
		busy += other.calling
	}
	open := 2 * p.Concurrency
	if p.Costly {
		open = p.Concurrency
	}
	switch {
	case l.calling >= p.Concurrency, l.open >= open:
		return false
	case l.gate.strikes.Load() > 0:
		return busy == 0
	}
	return l.gate.cap == 0 || busy < l.gate.cap
}

// feed begins what the channel's lanes may call now. Codes that somebody waits for go first, and the others take turns. The lock is
// held.
func (r *runner) feed(g *gate) {
	if r.draining {
		return
	}
	now := time.Now()
	if wait := g.barred(now); wait > 0 {
		r.giveUp(g, wait)
		return
	}
	for moved := true; moved; {
		moved = r.feedOne(g.lanes[0], now)
		for range g.lanes[1:] {
			g.turn = g.turn%(len(g.lanes)-1) + 1
			moved = r.feedOne(g.lanes[g.turn], now) || moved
		}
	}
	for _, l := range g.lanes {
		if room, limit := l.room(); 2*room >= limit {
			r.nudge()
		}
	}
}

// feedOne begins one call of l, and reports whether it did.
func (r *runner) feedOne(l *lane, now time.Time) bool {
	queue := &l.ready
	if len(l.suspects) > 0 && !r.suspected {
		queue = &l.suspects
	}
	for len(*queue) > 0 && r.overdue((*queue)[0], r.now()) {
		shift(queue)
		l.judged++
	}
	if len(*queue) == 0 || !l.mayCall() || !r.inPace(l, now) {
		return false
	}
	j := shift(queue)
	r.suspected = r.suspected || j.alone
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

// giveUp settles as held what a channel cannot call for a while. The lock is held.
func (r *runner) giveUp(g *gate, wait time.Duration) {
	for _, l := range g.lanes {
		for _, j := range l.giveBack() {
			r.postpone(j, Held, ReasonPaused, r.now().Add(wait))
		}
	}
}

// giveBack empties l, and returns what was claimed and not called yet: it is to be settled. The lock is held.
func (l *lane) giveBack() []*job {
	jobs := append(l.suspects, l.ready...)
	l.suspects, l.ready = nil, nil
	l.judged += len(jobs)
	if !l.ticket.IsZero() {
		l.gate.pace.giveBack(l.ticket)
		l.ticket = time.Time{}
	}
	return jobs
}

// inPace reports whether the channel's rate lets l begin a call now. If not, feed is called again when it does. The lock is held.
func (r *runner) inPace(l *lane, now time.Time) bool {
	g := l.gate
	if g.pace == nil {
		return true
	}
	if l.ticket.IsZero() || g.pace.missed(l.ticket, now) {
		l.ticket, _ = g.pace.take(now, forever)
	}
	wait := l.ticket.Sub(now)
	if wait <= 0 {
		return true
	}
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.feed(g)
		})
	} else {
		l.timer.Reset(wait)
	}
	return false
}
