package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var overtakenRules = []rule{
	{"receipt", "if a receipt settles a leased delivery, the receipt's state stays: the settlement is not lost, writes only the attempt and its " +
		"results, and gets the state of the delivery as Overtaken", overtakenReceipt},
	{"canceled", "if a leased delivery is canceled, a settlement to Held or Accepted becomes Canceled, and any other is written unchanged; both get " +
		"the state of the delivery as Overtaken", overtakenCanceled},
	{"canceled wakes", "a settlement that becomes Canceled wakes the peers, regardless of its Wake", overtakenWakes},
	{"reported once", "a receipt or a cancellation that ends a live delivery that is not leased increases the claim, so that a settlement repeated " +
		"afterwards is lost", overtakenOnce},
	{"canceled flag", "if a leased delivery is canceled and its lease runs out, the next lease shows Canceled", overtakenFlag},
}

func overtakenReceipt(r *run) {
	r.accept(letter())
	l := r.one(long, mail)
	r.received(store.Receipt{DeliveryRef: l.DeliveryRef, Status: store.Delivered, Reason: "fast", At: instant(2026, 7)})
	r.none("a receipt settled the delivery", mail)
	if lost := r.extend(long, store.Extension{DeliveryRef: l.DeliveryRef}); len(lost) > 0 {
		r.broken("the lease of a delivery that a receipt settled is lost")
	}
	r.none("a receipt settled the delivery, and only its lease was extended", mail)
	s := called(l, "p-1")
	s.Status, s.Reason, s.Due, s.Failure, s.Doubt = store.Held, "retry", r.now(), fault(), true
	overtaken := &store.Standing{Status: store.Delivered, Reason: "fast"}
	r.same("Overtaken", r.overtaken(s), overtaken)
	d := r.stored(l.DeliveryRef)
	r.same("Status", d.Status, store.Delivered)
	r.same("Reason", d.Reason, store.Reason("fast"))
	r.same("At", d.At, instant(2026, 7))
	r.same("Due", d.Due, time.Time{})
	r.same("Failure", d.Failure, (*store.Failure)(nil))
	r.same("the attempts", d.Attempted, []store.Attempt{*s.Attempt})
	r.same("Attempts", d.Attempts, 1)
	r.same("Spent", d.Spent, 1)
	r.same("Doubt", d.Doubt, true)
	r.same("ProviderID", d.ProviderID, "p-1")
	r.none("a receipt settled the delivery before the settlement", mail)
	r.same("Overtaken of a repeated call", r.overtaken(s), overtaken)
	r.same("the number of attempts after a repeated call", len(r.stored(l.DeliveryRef).Attempted), 1)
}

// overtaken writes a settlement, and returns its Overtaken.
func (r *run) overtaken(s store.Settlement) *store.Standing {
	r.Helper()
	ss := []store.Settlement{s}
	r.settled(ss...)
	return ss[0].Overtaken
}

// cancel cancels the deliveries of a message.
func (r *run) cancel(id string) {
	r.Helper()
	r.change(store.Change{Action: store.Cancel, Filter: store.Filter{AnyTenant: true, MessageID: id}})
}

func overtakenCanceled(r *run) {
	for given, want := range map[store.Status]store.Status{store.Held: store.Canceled, store.Accepted: store.Canceled, store.Sent: store.Sent,
		store.Failed: store.Failed, store.Unknown: store.Unknown, store.Expired: store.Expired} {
		m := letter()
		r.accept(m)
		l := r.one(long, mail)
		r.cancel(m.ID)
		s := called(l, "p-1")
		s.Status, s.Reason, s.Due = given, "because", r.now()
		overtaken := &store.Standing{Status: want, Failure: s.Failure, Canceled: true}
		if want == given {
			overtaken.Reason = "because"
		}
		r.same("Overtaken of a settlement to "+string(given), r.overtaken(s), overtaken)
		r.none("the delivery was canceled, and settled as "+string(given), mail)
		d := r.stored(l.DeliveryRef)
		r.same("Status after a settlement to "+string(given), d.Status, want)
		r.same("Canceled", d.Canceled, true)
		r.same("Due", d.Due, time.Time{})
		r.same("the number of attempts", len(d.Attempted), 1)
		if want == store.Canceled {
			r.same("Reason", d.Reason, store.Reason(""))
		} else {
			r.same("Reason", d.Reason, store.Reason("because"))
		}
	}
}

func overtakenWakes(r *run) {
	m := group(mail, text)
	m.Deliveries[1].NotBefore = instant(2090, 1)
	r.accept(m)
	l := r.one(long, mail)
	r.change(store.Change{Action: store.Cancel, Filter: store.Filter{AnyTenant: true, MessageID: m.ID, Channel: "email"}})
	r.ask(0, text) // Cancel may wake the peers, but this test is about the settlement
	peer := r.stored(ref(m, 0, 1))
	r.settled(waits(l, r.now().Add(long)))
	if d := r.stored(ref(m, 0, 1)); d.Wakes <= peer.Wakes {
		r.broken("a settlement that became Canceled did not wake the peer")
	}
	r.one(long, text)
}

func overtakenOnce(r *run) {
	for event, end := range map[string]func(store.DeliveryRef){
		"a receipt":      func(ref store.DeliveryRef) { r.received(store.Receipt{DeliveryRef: ref, Status: store.Delivered}) },
		"a cancellation": func(ref store.DeliveryRef) { r.cancel(ref.MessageID) },
	} {
		r.accept(letter())
		s := called(r.one(long, mail), "p-1")
		s.Status, s.Reason, s.Due = store.Held, "retry", r.now().Add(long)
		r.settled(s)
		end(s.DeliveryRef)
		before := r.stored(s.DeliveryRef)
		r.same("the lost settlements, repeated after "+event, r.settle(s), []store.DeliveryRef{s.DeliveryRef})
		r.same("the delivery", r.stored(s.DeliveryRef), before)
	}
}

func overtakenFlag(r *run) {
	m := letter()
	r.accept(m)
	l := r.one(0, mail)
	r.same("Canceled", l.Canceled, false)
	r.cancel(m.ID)
	if l = r.again(long); !l.Canceled {
		r.broken("Canceled is not set in the lease after a cancellation")
	}
	r.settled(ends(l, store.Canceled, ""))
	r.none("the delivery is canceled", mail)
}
