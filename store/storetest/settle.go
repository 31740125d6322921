package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var settleRules = []rule{
	{"writes", "a settlement that is not final writes all of its fields, and the delivery is due at its Due", settleWrites},
	{"final", "a settled delivery is never leased again, and its Due is zero", settleFinal},
	{"fence", "a settlement with an outdated claim is lost: it is returned and not written, nor is its attempt; the others of the call are written",
		settleFence},
	{"repeated", "a repeated settlement is not lost, and changes nothing", settleRepeated},
	{"late", "a lease that ran out can be settled until the delivery is leased again", settleLate},
	{"attempts", "attempts are logged with all of their fields, the oldest first; a settlement without an Attempt logs none", settleAttempts},
	{"batch", "a call can settle hundreds of deliveries of many messages, each with a different result", settleBatch},
	{"at", "At is the time of the last change to another status, on the store's clock", settleAt},
}

func settleWrites(r *run) {
	r.accept(letter())
	l := r.one(long, mail)
	now := r.now()
	s := store.Settlement{DeliveryRef: l.DeliveryRef, Status: store.Held, Reason: "retry", Due: now.Add(10 * time.Minute),
		NotBefore: now.Add(9 * time.Minute), Attempts: 3, Spent: 2, Doubt: true, Duplicate: true, Failure: fault()}
	r.settled(s)
	want := l.Delivery
	want.Status, want.Reason, want.Due, want.NotBefore = s.Status, s.Reason, s.Due, s.NotBefore
	want.Attempts, want.Spent, want.Doubt, want.Duplicate, want.Failure = 3, 2, true, true, fault()
	got := r.stored(l.DeliveryRef)
	want.At = got.At
	r.same("the delivery", got, want)
	r.none("it is due in ten minutes", mail)

	r.change(store.Change{Action: store.Release, Filter: store.Filter{Tenant: "shop"}})
	l = r.one(long, mail)
	s = ends(l, store.Accepted, "")
	s.Due, s.Attempts, s.Spent, s.Doubt, s.Duplicate, s.Failure = r.now(), 0, 0, false, false, nil
	r.settled(s)
	l2 := r.one(long, mail)
	want = l.Delivery
	want.Claim, want.Due = l2.Claim, l2.Due
	want.Attempts, want.Spent, want.Doubt, want.Duplicate, want.Failure = 0, 0, false, false, nil
	r.same("the delivery after a settlement that resets every field", l2.Delivery, want)
}

func settleFinal(r *run) {
	for _, status := range settled {
		r.accept(letter())
		l := r.one(long, mail)
		s := ends(l, status, "because")
		s.Due, s.Failure = r.now(), fault()
		r.settled(s)
		r.none("it is "+string(status), mail)
		d := r.stored(l.DeliveryRef)
		r.same("Status", d.Status, status)
		r.same("Reason", d.Reason, store.Reason("because"))
		r.same("Failure", d.Failure, fault())
		r.same("Due of a settled delivery", d.Due, time.Time{})
	}
	r.same("NextDue of a lane whose deliveries are all settled", r.ask(long, mail).NextDue, map[store.Lane]time.Time{})
}

func settleFence(r *run) {
	lostOne, other := letter(), letter()
	r.accept(lostOne)
	old := r.one(0, mail)
	l := r.again(long)
	r.accept(other)
	good := r.one(long, mail)
	stale, missing := called(old, "stale"), called(old, "missing")
	stale.Wake = true
	missing.DeliveryRef = store.DeliveryRef{MessageID: newID(), Claim: 1}
	lost := r.settle(stale, called(good, "good"), missing)
	r.same("the lost settlements", lost, []store.DeliveryRef{stale.DeliveryRef, missing.DeliveryRef})
	r.same("a delivery after a settlement with an outdated claim", r.stored(l.DeliveryRef), l.Delivery)
	r.same("the status of another delivery in the same call", r.stored(good.DeliveryRef).Status, store.Sent)
	r.settled(called(l, "mine"))
	if lost = r.settle(stale); len(lost) != 1 {
		r.broken("a settlement with an outdated claim is not lost after the current lease was settled")
	}
	if n := len(r.stored(l.DeliveryRef).Attempted); n != 1 {
		r.broken("%d attempts are logged, want only that of the current lease", n)
	}
}

func settleRepeated(r *run) {
	r.accept(group(mail, text), letter())
	ls := r.ask(long, mail).Deliveries
	peer := r.one(long, text)
	r.settled(waits(peer, r.now().Add(long)))
	var ss []store.Settlement
	for i, l := range ls {
		s := called(l, "p-1")
		if i == 1 {
			s = waits(l, r.now().Add(long))
			s.Attempt = called(l, "p-2").Attempt
		}
		s.Wake = true
		ss = append(ss, s)
	}
	r.settled(ss...)
	peers := r.ask(long, text).Deliveries
	before := r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Attempts: true}).Messages
	r.settled(ss...)
	r.settled(ss[1])
	r.same("all messages after a repeated call", r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Attempts: true}).Messages, before)
	for _, l := range peers {
		r.settled(ends(l, store.Suppressed, ""))
	}

	r.received(store.Receipt{DeliveryRef: ls[0].DeliveryRef, Status: store.Read})
	r.settled(ss...)
	r.same("the status, which a receipt raised before the repeated call", r.stored(ls[0].DeliveryRef).Status, store.Read)
}

func settleLate(r *run) {
	r.accept(letter())
	l := r.one(0, mail)
	r.settled(called(l, "p-1"))
	r.none("its settlement was written after the lease had run out", mail)
	d := r.stored(l.DeliveryRef)
	r.same("Status", d.Status, store.Sent)
	r.same("the number of attempts", len(d.Attempted), 1)
}

func settleAttempts(r *run) {
	r.accept(letter())
	var want []store.Attempt
	for i, a := range []store.Attempt{
		{At: instant(2030, 1), Took: time.Hour + time.Microsecond, Status: store.Held, Reason: "retry", Provider: "a", Failure: fault()},
		{At: instant(2020, 1), Status: store.Held, Reason: "retry", Provider: "b 🚚", ProviderID: "id-1", Code: "OK \"1\"", Duplicate: true},
		{At: instant(2025, 1), Took: time.Microsecond, Status: store.Sent, Failure: &store.Failure{}},
	} {
		l := r.one(long, mail)
		s := waits(l, r.now())
		s.Attempt, s.Attempts = &a, i+1
		want = append(want, a)
		r.settled(s)
		l = r.one(long, mail)
		r.same("Attempts", l.Attempts, i+1)
		r.settled(waits(l, r.now()))
	}
	l := r.one(long, mail)
	r.same("ProviderID of the last attempt that has one", l.ProviderID, "id-1")
	r.same("Attempted of a leased delivery", l.Attempted, []store.Attempt(nil))
	r.same("the attempts", r.stored(l.DeliveryRef).Attempted, want)
	page := r.list(store.MessageQuery{Filter: store.Filter{Tenant: "shop"}})
	r.same("Attempted of a listed delivery, without Attempts in the query", page.Messages[0].Deliveries[0].Attempted, []store.Attempt(nil))
}

func settleBatch(r *run) {
	var ms []store.NewMessage
	for range 100 {
		m := group(mail, text)
		m.Deliveries = append(m.Deliveries, to(1, 0, mail), to(2, 0, text))
		ms = append(ms, m)
	}
	r.accept(ms...)
	old := r.ask(0, text).Deliveries
	var leased []store.Leased
	r.until("lease of all deliveries", func() bool {
		leased = append(leased, r.ask(long, mail, text).Deliveries...)
		return len(leased) == 400
	})
	results := []store.Status{store.Sent, store.Held, store.Failed, store.Accepted, store.Unknown, store.Delivered, store.Suppressed}
	now := r.now()
	want := map[store.DeliveryRef]store.Settlement{}
	var ss []store.Settlement
	var lost []store.DeliveryRef
	for i, l := range leased {
		s := called(l, l.MessageID+string(l.Lane))
		s.Status, s.Reason, s.Due, s.Doubt, s.Wake = results[i%len(results)], store.Reason(results[i%len(results)][:2]), now.Add(long), i%2 == 0, i%3 == 0
		ss = append(ss, s)
		want[l.DeliveryRef] = s
	}
	for _, l := range old[:20] {
		ss = append(ss, called(l, "stale"))
		lost = append(lost, l.DeliveryRef)
	}
	r.same("the lost settlements", r.settle(ss...), lost)
	page := r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Limit: 500, Attempts: true})
	for _, m := range page.Messages {
		for _, d := range m.Deliveries {
			s := want[d.DeliveryRef]
			r.same("Status", d.Status, s.Status)
			r.same("Reason", d.Reason, s.Reason)
			r.same("Doubt", d.Doubt, s.Doubt)
			r.same("Spent", d.Spent, 1)
			r.same("the attempts", d.Attempted, []store.Attempt{*s.Attempt})
			delete(want, d.DeliveryRef)
		}
	}
	r.same("the number of missing deliveries", len(want), 0)
}

func settleAt(r *run) {
	r.accept(letter())
	l := r.one(long, mail)
	before := r.now()
	r.settled(waits(l, before))
	held := r.stored(l.DeliveryRef).At
	if held.Before(before) || held.After(r.now()) {
		r.broken("At is %v, want the time of the settlement on the store's clock, after %v", held, before)
	}
	r.until("tick of the store's clock", func() bool { return r.now().After(held) })
	l = r.one(long, mail)
	s := waits(l, r.now())
	s.Reason = "retry"
	r.settled(s)
	r.same("At of a delivery that stays held", r.stored(l.DeliveryRef).At, held)
	l = r.one(long, mail)
	r.settled(ends(l, store.Sent, ""))
	if at := r.stored(l.DeliveryRef).At; !at.After(held) {
		r.broken("At is %v after the change to sent, want a time after %v", at, held)
	}
}
