package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var settleRules = []rule{
	{"writes", "a settlement that is not final writes all it says: the delivery is due when it wants to look again", settleWrites},
	{"final", "a delivery that is settled is never leased again, and has no Due", settleFinal},
	{"fence", "a delivery whose claim has changed is lost: it is returned and not written, and its attempt is not logged; the others of the " +
		"call are written", settleFence},
	{"repeated", "a settlement that is repeated is done, not lost, and changes nothing more", settleRepeated},
	{"late", "a lease that ran out and that nobody took is settled as any other", settleLate},
	{"attempts", "attempts are logged, oldest first, with all they say; without an Attempt nothing is logged", settleAttempts},
	{"batch", "a call may hold hundreds of settlements of many messages, each with its own fate", settleBatch},
	{"at", "At is when a delivery came to its status, on the store's clock; the same status again leaves it", settleAt},
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
	r.none("it is to be looked at in ten minutes", mail)

	r.change(store.Change{Action: store.Release, Filter: store.Filter{Tenant: "shop"}})
	l = r.one(long, mail)
	s = ends(l, store.Accepted, "")
	s.Due, s.Attempts, s.Spent, s.Doubt, s.Duplicate, s.Failure = r.now(), 0, 0, false, false, nil
	r.settled(s)
	l2 := r.one(long, mail)
	want = l.Delivery
	want.Claim, want.Due = l2.Claim, l2.Due
	want.Attempts, want.Spent, want.Doubt, want.Duplicate, want.Failure = 0, 0, false, false, nil
	r.same("the delivery, after a settlement that takes all back", l2.Delivery, want)
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
		r.same("Due of what is settled", d.Due, time.Time{})
	}
	r.same("NextDue of a lane in which all is settled", r.ask(long, mail).NextDue, map[store.Lane]time.Time{})
}

func settleFence(r *run) {
	lostOne, other := letter(), letter()
	r.accept(lostOne)
	old := r.one(0, mail)
	l := r.again(long)
	r.accept(other)
	good := r.one(long, mail)
	stale, nobody := called(old, "stale"), called(old, "nobody")
	stale.Wake = true
	nobody.DeliveryRef = store.DeliveryRef{MessageID: newID(), Claim: 1}
	lost := r.settle(stale, called(good, "good"), nobody)
	r.same("what is lost", lost, []store.DeliveryRef{stale.DeliveryRef, nobody.DeliveryRef})
	r.same("a delivery whose old lease was settled", r.stored(l.DeliveryRef), l.Delivery)
	r.same("the status of another in the same call", r.stored(good.DeliveryRef).Status, store.Sent)
	r.settled(called(l, "mine"))
	if lost = r.settle(stale); len(lost) != 1 {
		r.broken("an old lease is not lost after the newest was settled")
	}
	if n := len(r.stored(l.DeliveryRef).Attempted); n != 1 {
		r.broken("%d attempts are logged, want only that of the newest lease", n)
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
	r.same("all messages, after a repeated call", r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Attempts: true}).Messages, before)
	for _, l := range peers {
		r.settled(ends(l, store.Suppressed, ""))
	}

	r.received(store.Receipt{DeliveryRef: ls[0].DeliveryRef, Status: store.Read})
	r.settled(ss...)
	r.same("the status, which a receipt raised before the call was repeated", r.stored(ls[0].DeliveryRef).Status, store.Read)
}

func settleLate(r *run) {
	r.accept(letter())
	l := r.one(0, mail)
	r.settled(called(l, "p-1"))
	r.none("it was settled after its lease had run out, before anybody took it", mail)
	d := r.stored(l.DeliveryRef)
	r.same("Status", d.Status, store.Sent)
	r.same("the attempts", len(d.Attempted), 1)
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
	r.same("ProviderID, of the last attempt that has one", l.ProviderID, "id-1")
	r.same("the attempts of a lease, which nobody asked for", l.Attempted, []store.Attempt(nil))
	r.same("the attempts", r.stored(l.DeliveryRef).Attempted, want)
	page := r.list(store.MessageQuery{Filter: store.Filter{Tenant: "shop"}})
	r.same("the attempts of a list that does not ask for them", page.Messages[0].Deliveries[0].Attempted, []store.Attempt(nil))
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
	r.until("leases that run out", func() bool {
		leased = append(leased, r.ask(long, mail, text).Deliveries...)
		return len(leased) == 400
	})
	fates := []store.Status{store.Sent, store.Held, store.Failed, store.Accepted, store.Unknown, store.Delivered, store.Suppressed}
	now := r.now()
	want := map[store.DeliveryRef]store.Settlement{}
	var ss []store.Settlement
	var lost []store.DeliveryRef
	for i, l := range leased {
		s := called(l, l.MessageID+string(l.Lane))
		s.Status, s.Reason, s.Due, s.Doubt, s.Wake = fates[i%len(fates)], store.Reason(fates[i%len(fates)][:2]), now.Add(long), i%2 == 0, i%3 == 0
		ss = append(ss, s)
		want[l.DeliveryRef] = s
	}
	for _, l := range old[:20] {
		ss = append(ss, called(l, "stale"))
		lost = append(lost, l.DeliveryRef)
	}
	r.same("what is lost", r.settle(ss...), lost)
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
	r.same("the deliveries that are not found", len(want), 0)
}

func settleAt(r *run) {
	r.accept(letter())
	l := r.one(long, mail)
	before := r.now()
	r.settled(waits(l, before))
	held := r.stored(l.DeliveryRef).At
	if held.Before(before) || held.After(r.now()) {
		r.broken("At is %v, want when it was settled, on the store's clock: after %v", held, before)
	}
	r.until("the store's clock", func() bool { return r.now().After(held) })
	l = r.one(long, mail)
	s := waits(l, r.now())
	s.Reason = "retry"
	r.settled(s)
	r.same("At, of a delivery that stays held", r.stored(l.DeliveryRef).At, held)
	l = r.one(long, mail)
	r.settled(ends(l, store.Sent, ""))
	if at := r.stored(l.DeliveryRef).At; !at.After(held) {
		r.broken("At is %v, want when it was sent, which is after %v", at, held)
	}
}
