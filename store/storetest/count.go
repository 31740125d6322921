package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var countRules = []rule{
	{"count", "live deliveries are counted by lane, in the order of the lanes' names: as Due if they are due, otherwise as Later, leased ones included; " +
		"Oldest is the due time of the longest due delivery", countLanes},
	{"count bounded", "each count stops at the limit", countBounded},
	{"prune", "messages that were accepted before a time and have no live delivery are deleted, with everything that belongs to them", pruneSettled},
	{"prune live", "a message with a live delivery, leased or waiting, is never deleted", pruneLive},
	{"prune limit", "at most limit messages are deleted, the oldest first, and the number is returned", pruneLimit},
	{"prune key", "the key and the id of a deleted message can be used again", pruneKey},
}

// count returns the counts of all lanes.
func (r *run) count(limit int) []store.LaneCount {
	r.Helper()
	counts, err := r.store.CountDeliveries(r.Context(), store.CountQuery{Limit: limit})
	r.done("CountDeliveries", err, counts)
	return counts
}

// prune deletes messages, and returns their number.
func (r *run) prune(before time.Time, limit int) int {
	r.Helper()
	n, err := r.store.PruneMessages(r.Context(), before, limit)
	r.done("PruneMessages", err, n)
	return n
}

func countLanes(r *run) {
	r.same("the counts of an empty store", r.count(0), []store.LaneCount(nil))
	m := message(to(0, 0, text), to(1, 0, text), to(2, 0, text), to(3, 0, chat), to(4, 0, mail), to(5, 0, mail), to(6, 0, "void/otp"), to(7, 0, chat))
	m.Deliveries[1].NotBefore, m.Deliveries[2].Status = instant(2090, 1), store.Held
	m.Deliveries[6].Status = store.Sent
	r.accept(m)
	oldest := r.stored(ref(m, 0, 0)).Due
	for _, l := range r.ask(long, chat).Deliveries {
		if l.Recipient == 3 {
			r.settled(ends(l, store.Sent, ""))
		}
	}
	want := []store.LaneCount{{Lane: chat, Later: 1}, {Lane: mail, Due: 2, Oldest: oldest}, {Lane: text, Due: 2, Later: 1, Oldest: oldest}}
	r.same("the counts", r.count(0), want)

	ls := r.ask(0, mail).Deliveries
	want[1].Oldest = ls[0].Due
	r.same("the counts after leases ran out", r.count(0), want)
}

func countBounded(r *run) {
	m := message()
	for i := range 20 {
		due, later := to(i, 0, mail), to(i, 1, text)
		later.NotBefore = instant(2090, 1)
		m.Deliveries = append(m.Deliveries, due, later)
	}
	r.accept(m)
	oldest := r.stored(ref(m, 0, 0)).Due
	for limit, want := range map[int]int{1: 1, 7: 7, 20: 20, 21: 20, 0: 20} {
		r.same("the counts", r.count(limit), []store.LaneCount{{Lane: mail, Due: want, Oldest: oldest}, {Lane: text, Later: want}})
	}
}

// sent stores n sent messages, each with a key and an attempt.
func (r *run) sent(n int) []store.NewMessage {
	r.Helper()
	var ms []store.NewMessage
	for range n {
		m := letter()
		m.Key = m.ID
		r.accept(m)
		r.settled(called(r.one(long, mail), m.ID))
		ms = append(ms, m)
	}
	return ms
}

// ids returns the set of the ids of all messages.
func (r *run) ids() map[string]bool {
	r.Helper()
	ids := map[string]bool{}
	for _, m := range r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Limit: 500}).Messages {
		ids[m.Message.ID] = true
	}
	return ids
}

func pruneSettled(r *run) {
	old := r.sent(2)
	before := r.record(old[1].ID).Message.AcceptedAt
	r.until("tick of the store's clock", func() bool { return r.now().After(before) })
	kept := r.sent(1)[0]
	r.same("the number of messages deleted that were accepted before the first", r.prune(r.record(old[0].ID).Message.AcceptedAt, 10), 0)
	r.same("the number of deleted messages", r.prune(r.record(kept.ID).Message.AcceptedAt, 10), 2)
	r.same("the remaining messages", r.ids(), map[string]bool{kept.ID: true})
	gone := store.Receipt{Provider: "postman", ProviderID: old[0].ID, Status: store.Read}
	if unmatched := r.receive(gone, store.Receipt{DeliveryRef: ref(old[1], 0, 0), Status: store.Read}); len(unmatched) != 2 {
		r.broken("receipts match deleted deliveries")
	}
	r.received(store.Receipt{Provider: "postman", ProviderID: kept.ID, Status: store.Read})
}

func pruneLive(r *run) {
	leased, waiting, done := message(to(0, 0, mail), to(1, 0, text)), message(to(0, 0, text)), letter()
	leased.Deliveries[1].Status, done.Deliveries[0].Status = store.Sent, store.Failed
	waiting.Deliveries[0].NotBefore = instant(2090, 1)
	r.accept(leased, waiting, done)
	l := r.one(long, mail)
	r.same("the number of deleted messages", r.prune(instant(2090, 1), 10), 1)
	r.same("the remaining messages", r.ids(), map[string]bool{leased.ID: true, waiting.ID: true})
	r.settled(called(l, "p-1"))
	r.same("the number of deleted messages after another settlement", r.prune(instant(2090, 1), 10), 1)
	r.same("the remaining messages", r.ids(), map[string]bool{waiting.ID: true})
}

func pruneLimit(r *run) {
	live := letter()
	live.Deliveries[0].NotBefore = instant(2090, 1)
	r.accept(live)
	ms := r.sent(5)
	want := r.ids()
	for _, n := range []int{2, 1, 2} {
		r.same("the number of deleted messages", r.prune(instant(2090, 1), n), n)
		for _, m := range ms[:n] {
			delete(want, m.ID)
		}
		ms = ms[n:]
		r.same("the remaining messages", r.ids(), want)
	}
	r.same("the number of deleted messages when only a live one remains", r.prune(instant(2090, 1), 10), 0)
}

func pruneKey(r *run) {
	m := r.sent(1)[0]
	other := sameKey(m)
	r.names(r.answers(other)[0], m)
	r.prune(instant(2090, 1), 10)
	r.accept(other)
	r.names(r.answers(sameKey(m))[0], other)
	again := m
	again.Key = ""
	r.accept(again)
	r.stays(again)
	r.same("the number of attempts of a message that was deleted and accepted again", len(r.record(m.ID).Deliveries[0].Attempted), 0)
}
