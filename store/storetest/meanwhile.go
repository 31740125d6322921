package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var meanwhileRules = []rule{
	{"receipt", "if a receipt settled a delivery while it was leased, that stays: its settlement logs the attempt and what that brought, is " +
		"not lost, and Overtaken tells how the delivery stands", meanwhileReceipt},
	{"canceled", "if a delivery was canceled while it was leased, Held and Accepted become Canceled, and anything else stays as the settlement " +
		"says; Overtaken tells",
		meanwhileCanceled},
	{"canceled wakes", "a settlement that becomes Canceled wakes the peers, whatever its Wake says", meanwhileCanceledWakes},
	{"told already", "a receipt or a cancellation that ends what is live and not leased raises the claim: a settlement that is repeated after it " +
		"is lost", meanwhileTold},
	{"canceled shows", "a delivery that was canceled while it was leased says so to whoever leases it next", meanwhileCanceledShows},
}

func meanwhileReceipt(r *run) {
	r.accept(letter())
	l := r.one(long, mail)
	r.received(store.Receipt{DeliveryRef: l.DeliveryRef, Status: store.Delivered, Reason: "fast", At: instant(2026, 7)})
	r.none("a receipt settled it", mail)
	if lost := r.extend(long, store.Extension{DeliveryRef: l.DeliveryRef}); len(lost) > 0 {
		r.broken("a lease is lost because a receipt settled its delivery")
	}
	r.none("a receipt settled it, and its lease was extended", mail)
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
	r.none("a receipt settled it, whatever the settlement says", mail)
	r.same("Overtaken, when the call is repeated", r.overtaken(s), overtaken)
	r.same("the attempts, after the call was repeated", len(r.stored(l.DeliveryRef).Attempted), 1)
}

// overtaken settles a delivery, and returns how it stands if something was faster.
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

func meanwhileCanceled(r *run) {
	for says, want := range map[store.Status]store.Status{store.Held: store.Canceled, store.Accepted: store.Canceled, store.Sent: store.Sent,
		store.Failed: store.Failed, store.Unknown: store.Unknown, store.Expired: store.Expired} {
		m := letter()
		r.accept(m)
		l := r.one(long, mail)
		r.cancel(m.ID)
		s := called(l, "p-1")
		s.Status, s.Reason, s.Due = says, "because", r.now()
		overtaken := &store.Standing{Status: want, Failure: s.Failure, Canceled: true}
		if want == says {
			overtaken.Reason = "because"
		}
		r.same("Overtaken, where the settlement says "+string(says), r.overtaken(s), overtaken)
		r.none("a delivery that was canceled, and settled as "+string(says), mail)
		d := r.stored(l.DeliveryRef)
		r.same("Status, which the settlement says is "+string(says), d.Status, want)
		r.same("Canceled", d.Canceled, true)
		r.same("Due", d.Due, time.Time{})
		r.same("the attempts", len(d.Attempted), 1)
		if want == store.Canceled {
			r.same("Reason", d.Reason, store.Reason(""))
		} else {
			r.same("Reason", d.Reason, store.Reason("because"))
		}
	}
}

func meanwhileCanceledWakes(r *run) {
	m := group(mail, text)
	m.Deliveries[1].NotBefore = instant(2090, 1)
	r.accept(m)
	l := r.one(long, mail)
	r.change(store.Change{Action: store.Cancel, Filter: store.Filter{AnyTenant: true, MessageID: m.ID, Channel: "email"}})
	r.ask(0, text) // whoever marks a delivery may wake its peers: that is not what is looked for here
	peer := r.stored(ref(m, 0, 1))
	r.settled(waits(l, r.now().Add(long)))
	if d := r.stored(ref(m, 0, 1)); d.Wakes <= peer.Wakes {
		r.broken("the peer of a delivery whose wait became Canceled is not woken")
	}
	r.one(long, text)
}

func meanwhileTold(r *run) {
	for what, end := range map[string]func(store.DeliveryRef){
		"a receipt":      func(ref store.DeliveryRef) { r.received(store.Receipt{DeliveryRef: ref, Status: store.Delivered}) },
		"a cancellation": func(ref store.DeliveryRef) { r.cancel(ref.MessageID) },
	} {
		r.accept(letter())
		s := called(r.one(long, mail), "p-1")
		s.Status, s.Reason, s.Due = store.Held, "retry", r.now().Add(long)
		r.settled(s)
		end(s.DeliveryRef)
		before := r.stored(s.DeliveryRef)
		r.same("what is lost, repeated after "+what, r.settle(s), []store.DeliveryRef{s.DeliveryRef})
		r.same("the delivery", r.stored(s.DeliveryRef), before)
	}
}

func meanwhileCanceledShows(r *run) {
	m := letter()
	r.accept(m)
	l := r.one(0, mail)
	r.same("Canceled", l.Canceled, false)
	r.cancel(m.ID)
	if l = r.again(long); !l.Canceled {
		r.broken("a delivery that was canceled while it was leased is leased again without saying so")
	}
	r.settled(ends(l, store.Canceled, ""))
	r.none("it is canceled", mail)
}
