package engine

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

const (
	// firstPoll is the rest of a lane that gave something, without a hint. The rest doubles up to Config.Poll.
	firstPoll = 250 * time.Millisecond
	// firstContention is the rest of a lane while other processes claim its due deliveries. Each further rest doubles, up to firstPoll.
	firstContention = 2 * time.Millisecond
	// claimMost is the number of deliveries of a lane that are claimed at a time.
	claimMost = 1000
	// firstStoreRest is the rest of the store after a failure. The rest doubles up to longestStoreRest.
	firstStoreRest, longestStoreRest = 50 * time.Millisecond, 5 * time.Second
)

// claimAll claims due deliveries whenever there is room, until ctx ends.
func (r *runner) claimAll(ctx context.Context) {
	rest := firstStoreRest
	for ctx.Err() == nil {
		if err := r.claim(ctx); err != nil {
			r.log.Error("cannot claim from the store", "error", err, "again_in", rest)
			Sleep(ctx, rest, nil)
			rest = min(2*rest, longestStoreRest)
			continue
		}
		rest = firstStoreRest
		r.await(ctx)
	}
}

// claim asks the store once for all lanes that have room and are due, and feeds them, unless ctx has ended.
func (r *runner) claim(ctx context.Context) error {
	rooms := r.rooms(time.Now())
	if len(rooms) == 0 || ctx.Err() != nil {
		return nil
	}
	before := time.Now()
	lease, cancel := context.WithTimeout(r.base, r.config.Lease) // not ctx, in whose end an answer could be lost
	defer cancel()
	leases, err := r.store.LeaseDeliveries(lease, store.LeaseRequest{Lanes: rooms, Lease: r.config.Lease})
	if err != nil {
		for _, room := range rooms {
			r.wake(room.Lane)
		}
		return err
	}
	after := time.Now()
	r.skew.Store(int64(leases.Now.Sub(before.Add(after.Sub(before) / 2))))
	for _, j := range r.hold(leases, rooms, before.Add(r.config.Lease), after) {
		r.triage(j)
	}
	if ctx.Err() != nil {
		return nil // all that is ready is about to be returned
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, room := range rooms {
		r.feedLocked(r.byName[room.Lane].channel)
	}
	return nil
}

// rooms returns the lanes to ask, and the number of deliveries wanted of each.
func (r *runner) rooms(now time.Time) []store.LaneRoom {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rooms []store.LaneRoom
	for _, l := range r.lanes {
		room, limit := l.roomLocked()
		if room <= 0 || 2*room < limit || l.look.After(now) || l.channel.barred(now) > 0 {
			continue
		}
		l.look = now.Add(forever) // lowered by news from now on
		rooms = append(rooms, store.LaneRoom{Lane: l.name, Room: min(room, claimMost)})
	}
	return rooms
}

// hold makes jobs of claimed deliveries, and sets the next look into each lane.
func (r *runner) hold(leases store.Leases, rooms []store.LaneRoom, until, now time.Time) []*job {
	r.mu.Lock()
	defer r.mu.Unlock()
	jobs := make([]*job, len(leases.Deliveries))
	got := make(map[store.Lane]int, len(rooms))
	openers := make(map[*store.Message]opener)
	for i, d := range leases.Deliveries {
		open, known := r.openers[d.Message]
		if !known {
			open = r.config.Open(d.Message)
			r.openers[d.Message] = open
		}
		openers[d.Message] = open
		j := &job{Leased: d, lane: r.byName[d.Lane], open: open, until: until}
		r.jobs[j] = struct{}{}
		j.lane.decided++ // until enqueued
		got[d.Lane]++
		jobs[i] = j
	}
	r.openers = openers
	for _, room := range rooms {
		r.restLocked(r.byName[room.Lane], got[room.Lane], room.Room, leases.NextDue, now)
	}
	return jobs
}

// restLocked sets the next look into l, which gave so many deliveries for so much room.
func (r *runner) restLocked(l *lane, got, room int, next map[store.Lane]time.Time, now time.Time) {
	if got > 0 {
		l.poll = min(firstPoll, r.config.Poll)
	}
	if got >= room {
		l.look = time.Time{}
		return
	}
	look, contention := now.Add(l.poll-now.Sub(r.began)%l.poll), firstContention // so that lanes are asked together
	if due, ok := next[l.name]; ok && r.here(due).Before(look) {
		look = r.here(due)
		if !look.After(now) {
			look, contention = now.Add(l.contention), min(2*l.contention, firstPoll)
		}
	}
	l.contention = contention
	if look.Before(l.look) {
		l.look = look
	}
	if got == 0 {
		l.poll = min(2*l.poll, r.config.Poll)
	}
}

// await returns when ctx has ended, when there is news of a lane, or when one is due.
func (r *runner) await(ctx context.Context) {
	wait := r.config.Poll
	now := time.Now()
	r.mu.Lock()
	for _, l := range r.lanes {
		room, limit := l.roomLocked()
		if room <= 0 || 2*room < limit {
			continue // until there is news of room
		}
		wait = min(wait, max(l.look.Sub(now), l.channel.barred(now)))
	}
	r.mu.Unlock()
	if wait > 0 {
		Sleep(ctx, wait, r.news)
	}
}
