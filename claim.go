package notify

import (
	"context"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/store"
)

const (
	// firstPoll is how soon a lane that gave something is asked again without a hint; the wait doubles up to Engine.Poll.
	firstPoll = 250 * time.Millisecond
	// crowded is how long a lane rests whose due deliveries other processes are just claiming; the wait doubles up to firstPoll while
	// they hold them.
	crowded = 2 * time.Millisecond
	// claimMost is how much of a lane is claimed at a time.
	claimMost = 1000
	// firstTrouble is how long the store rests after a failure; the wait doubles up to lastTrouble.
	firstTrouble, lastTrouble = 50 * time.Millisecond, 5 * time.Second
)

// claimAll claims what is due whenever there is room for it, until ctx ends.
func (r *runner) claimAll(ctx context.Context) {
	trouble := firstTrouble
	for ctx.Err() == nil {
		if err := r.claim(ctx); err != nil {
			r.log.Error("cannot claim from the store", "error", err, "again_in", trouble)
			sleep(ctx, trouble)
			trouble = min(2*trouble, lastTrouble)
			continue
		}
		trouble = firstTrouble
		r.await(ctx)
	}
}

// claim asks the store once for all lanes that have room and whose time has come, and passes on what it gets, unless ctx has ended.
func (r *runner) claim(ctx context.Context) error {
	rooms := r.rooms(time.Now())
	if len(rooms) == 0 || ctx.Err() != nil {
		return nil
	}
	before := time.Now()
	leases, err := r.lease(rooms)
	if err != nil {
		r.wakeLanes(rooms)
		return err
	}
	after := time.Now()
	r.skew.Store(int64(leases.Now.Sub(before.Add(after.Sub(before) / 2))))
	jobs := r.hold(leases, rooms, before.Add(r.options.Lease), after)
	for _, j := range jobs {
		r.judge(j)
	}
	if ctx.Err() != nil {
		return nil // all that is ready is about to be given back
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, room := range rooms {
		r.feed(r.byName[room.Lane].gate)
	}
	return nil
}

func (r *runner) lease(rooms []store.LaneRoom) (leases store.Leases, err error) {
	// Not the context of Run: an answer that is lost in its end would wait out its lease.
	ctx, cancel := context.WithTimeout(r.base, min(storeTimeout, r.options.Lease))
	defer cancel()
	if crash := r.guard("store", func() {
		leases, err = r.store.LeaseDeliveries(ctx, store.LeaseRequest{Lanes: rooms, Lease: r.options.Lease})
	}); crash != nil {
		err = crash
	}
	return leases, err
}

// rooms says which lanes to ask, and for how many.
func (r *runner) rooms(now time.Time) []store.LaneRoom {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rooms []store.LaneRoom
	for _, l := range r.lanes {
		room, limit := l.room()
		if room <= 0 || 2*room < limit || l.look.After(now) || l.gate.barred(now) > 0 {
			continue
		}
		l.look = now.Add(forever) // whoever has news from now on lowers it
		rooms = append(rooms, store.LaneRoom{Lane: l.name, Room: min(room, claimMost)})
	}
	return rooms
}

func (r *runner) wakeLanes(rooms []store.LaneRoom) {
	for _, room := range rooms {
		r.wake(room.Lane)
	}
}

// hold takes charge of what was claimed, and notes when each lane is to be asked again.
func (r *runner) hold(leases store.Leases, rooms []store.LaneRoom, until, now time.Time) []*job {
	r.mu.Lock()
	defer r.mu.Unlock()
	jobs := make([]*job, len(leases.Deliveries))
	got := make(map[store.Lane]int, len(rooms))
	bodies := make(map[*store.Message]bodyFunc)
	for i, d := range leases.Deliveries {
		body, ok := r.bodies[d.Message]
		if !ok {
			body = sync.OnceValues(func() (*sharedBody, error) { return unpack(d.Message) })
			r.bodies[d.Message] = body
		}
		bodies[d.Message] = body
		j := &job{Leased: d, lane: r.byName[d.Lane], body: body, until: until}
		r.jobs[j] = struct{}{}
		j.lane.judged++ // until it is judged
		got[d.Lane]++
		jobs[i] = j
	}
	r.bodies = bodies
	for _, room := range rooms {
		r.byName[room.Lane].rest(r, got[room.Lane], room.Room, leases.NextDue, now)
	}
	return jobs
}

// rest notes when l is to be asked again, after it gave so many for so much room.
func (l *lane) rest(r *runner, got, room int, next map[store.Lane]time.Time, now time.Time) {
	if got > 0 {
		l.poll = min(firstPoll, r.options.Poll)
	}
	if got >= room {
		l.look = time.Time{}
		return
	}
	look, crowd := now.Add(l.poll-now.Sub(r.began)%l.poll), crowded // so that lanes are asked together
	if due, ok := next[l.name]; ok && r.here(due).Before(look) {
		look = r.here(due)
		if !look.After(now) {
			look, crowd = now.Add(l.crowd), min(2*l.crowd, firstPoll)
		}
	}
	l.crowd = crowd
	if look.Before(l.look) {
		l.look = look
	}
	if got == 0 {
		l.poll = min(2*l.poll, r.options.Poll)
	}
}

// await returns when ctx has ended, when there is news of a lane, or when the time of one has come.
func (r *runner) await(ctx context.Context) {
	wait := r.options.Poll
	now := time.Now()
	r.mu.Lock()
	for _, l := range r.lanes {
		room, limit := l.room()
		if room <= 0 || 2*room < limit {
			continue // there is news when it has room
		}
		wait = min(wait, max(l.look.Sub(now), l.gate.barred(now)))
	}
	r.mu.Unlock()
	if wait > 0 {
		doze(ctx, wait, r.news)
	}
}
