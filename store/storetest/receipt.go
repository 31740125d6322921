package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var receiptRules = []rule{
	{"by delivery", "a receipt with a DeliveryRef matches that delivery, whatever the Claim, and settles it with its own Reason, At and Failure",
		receiptByDelivery},
	{"by provider", "a receipt without a DeliveryRef matches the delivery with a logged attempt that has its Provider and ProviderID", receiptByProvider},
	{"raises", "a receipt applies if and only if Status.Raises reports true", receiptRaises},
	{"in order", "the receipts of a call apply one after another", receiptInOrder},
	{"unmatched", "receipts that match no delivery are returned, and the others apply; a receipt that raises nothing can match", receiptUnmatched},
	{"found", "Found is set in each receipt that matches, to the delivery after the receipt", receiptFound},
	{"raised", "Raised is set in each receipt that applies, and Ended if the delivery was live and not leased before", receiptRaised},
	{"settles", "a receipt settles a live delivery, which is then never leased", receiptSettles},
	{"wakes", "a receipt that raises a Grouped delivery wakes the live peers; a receipt that raises nothing wakes none", receiptWakes},
}

func receiptByDelivery(r *run) {
	m := message(to(0, 0, mail), to(1, 0, mail))
	r.accept(m)
	for _, l := range r.ask(long, mail).Deliveries {
		s := called(l, "p")
		s.Failure = fault()
		r.settled(s)
	}
	name := ref(m, 1, 0)
	name.Claim = 99
	r.received(store.Receipt{DeliveryRef: name, Status: store.Failed, Reason: store.ReasonBounced, At: instant(2026, 7), Failure: fault()})
	d := r.stored(name)
	r.same("Status", d.Status, store.Failed)
	r.same("Reason", d.Reason, store.ReasonBounced)
	r.same("At", d.At, instant(2026, 7))
	r.same("Failure", d.Failure, fault())
	r.same("Due", d.Due, time.Time{})
	r.same("Attempts", d.Attempts, 1)
	r.same("the number of attempts", len(d.Attempted), 1)
	r.same("the status of another delivery", r.stored(ref(m, 0, 0)).Status, store.Sent)

	before := r.now()
	r.received(store.Receipt{DeliveryRef: name, Status: store.Read})
	d = r.stored(name)
	r.same("Status", d.Status, store.Read)
	r.same("Reason", d.Reason, store.Reason(""))
	r.same("Failure after a receipt without one", d.Failure, (*store.Failure)(nil))
	if d.At.Before(before) || d.At.After(r.now()) {
		r.broken("At is %v after a receipt without one, want the store's clock", d.At)
	}
}

func receiptByProvider(r *run) {
	r.accept(message(to(0, 0, mail)), message(to(0, 0, text)))
	for _, id := range []string{"first", "second"} {
		l := r.one(long, mail)
		s := called(l, id)
		s.Status, s.Reason, s.Due = store.Held, "retry", r.now()
		r.settled(s)
	}
	l := r.one(long, mail)
	r.settled(called(l, ""))
	other := r.one(long, text)
	s := called(other, "first")
	s.Attempt.Provider = "another"
	r.settled(s)

	r.received(store.Receipt{Provider: "postman", ProviderID: "second", Status: store.Delivered})
	r.same("Status after a receipt for the last attempt", r.stored(l.DeliveryRef).Status, store.Delivered)
	r.received(store.Receipt{Provider: "postman", ProviderID: "first", Status: store.Read})
	r.same("Status after a receipt for an earlier attempt", r.stored(l.DeliveryRef).Status, store.Read)
	r.same("the status of a delivery with the same id at another provider", r.stored(other.DeliveryRef).Status, store.Sent)
	for _, none := range []store.Receipt{{Provider: "postman"}, {ProviderID: "first"}, {}, {Provider: "postman", ProviderID: "FIRST"}} {
		none.Status = store.Read
		if len(r.receive(none)) != 1 {
			r.broken("a receipt with Provider %q and ProviderID %q matches a delivery", none.Provider, none.ProviderID)
		}
	}
}

func receiptRaises(r *run) {
	type stand struct {
		status store.Status
		reason store.Reason
	}
	before := []stand{{store.Accepted, ""}, {store.Held, "retry"}, {store.Sent, ""}, {store.Delivered, ""}, {store.Read, ""}, {store.Failed, "rejected"},
		{store.Failed, store.ReasonBounced}, {store.Unknown, ""}, {store.Suppressed, "invalid"}, {store.Canceled, ""}, {store.Expired, ""}}
	says := []stand{{store.Sent, ""}, {store.Delivered, ""}, {store.Read, "opened"}, {store.Failed, store.ReasonBounced}, {store.Failed, "rejected"}}
	m := message()
	var rs []store.Receipt
	for i, b := range before {
		for k, s := range says {
			d := to(i, k, mail)
			d.Status, d.Reason = b.status, b.reason
			m.Deliveries = append(m.Deliveries, d)
			rs = append(rs, store.Receipt{DeliveryRef: ref(m, i, k), Status: s.status, Reason: s.reason})
		}
	}
	r.accept(m)
	r.received(rs...)
	for i, d := range r.record(m.ID).Deliveries {
		was, says := before[d.Recipient], says[d.Place]
		want := was
		if says.status.Raises(says.reason, was.status, was.reason) {
			want = says
		}
		if got := (stand{d.Status, d.Reason}); got != want {
			r.broken("a receipt with %v turns %v into %v, want %v", says, was, got, want)
		}
		if d.Due.IsZero() != d.Status.Settled() {
			r.broken("delivery %d is %s and has the Due %v", i, d.Status, d.Due)
		}
	}
}

func receiptInOrder(r *run) {
	m := message(to(0, 0, mail), to(1, 0, mail), to(2, 0, mail))
	r.accept(m)
	up, down, even := ref(m, 0, 0), ref(m, 1, 0), ref(m, 2, 0)
	r.received(
		store.Receipt{DeliveryRef: even, Status: store.Delivered, Reason: "first"}, store.Receipt{DeliveryRef: even, Status: store.Delivered},
		store.Receipt{DeliveryRef: up, Status: store.Sent}, store.Receipt{DeliveryRef: down, Status: store.Read, Reason: "fast"},
		store.Receipt{DeliveryRef: up, Status: store.Delivered}, store.Receipt{DeliveryRef: down, Status: store.Delivered},
		store.Receipt{DeliveryRef: up, Status: store.Failed, Reason: store.ReasonBounced}, store.Receipt{DeliveryRef: down, Status: store.Sent},
		store.Receipt{DeliveryRef: up, Status: store.Read, Reason: "last"})
	r.same("the reason after receipts that each raise the delivery", r.stored(up).Reason, store.Reason("last"))
	r.same("the reason after a receipt that later ones cannot raise", r.stored(down).Reason, store.Reason("fast"))
	r.same("the reason after two receipts with the same status", r.stored(even).Reason, store.Reason("first"))
}

func receiptUnmatched(r *run) {
	m := letter()
	r.accept(m)
	strangers := []store.Receipt{
		{DeliveryRef: store.DeliveryRef{MessageID: newID()}, Status: store.Read},
		{DeliveryRef: ref(m, 1, 0), Status: store.Read},
		{DeliveryRef: ref(m, 0, 1), Status: store.Read},
		{Provider: "postman", ProviderID: "unknown", Status: store.Delivered, At: instant(2026, 1), Failure: fault()},
	}
	good := store.Receipt{DeliveryRef: ref(m, 0, 0), Status: store.Delivered}
	lower := store.Receipt{DeliveryRef: ref(m, 0, 0), Status: store.Sent}
	r.same("the unmatched receipts", r.receive(strangers[0], strangers[1], good, strangers[2], lower, strangers[3]), strangers)
	r.same("the status of a delivery in the same call", r.stored(good.DeliveryRef).Status, store.Delivered)
	r.received(good, lower)
	r.receive()
}

func receiptFound(r *run) {
	m := group(mail, text)
	m.Deliveries[0].Body, m.Deliveries[0].To = nil, "bob@example.com"
	r.accept(m)
	r.settled(called(r.one(long, mail), "p-1"))
	rs := []store.Receipt{
		{Provider: "postman", ProviderID: "p-1", Status: store.Failed, Reason: store.ReasonBounced},
		{Provider: "postman", ProviderID: "p-2", Status: store.Read},
		{DeliveryRef: ref(m, 0, 1), Status: store.Held},
	}
	r.receive(rs...)
	want := r.record(m.ID).Deliveries
	for i, k := range map[int]int{0: 0, 2: 1} {
		got := rs[i].Found
		if got == nil || got.Message == nil {
			r.stop("Found or its Message is nil in a receipt that matches")
		}
		r.same("the tenant of Found", got.Message.Tenant, m.Tenant)
		r.same("MessageID of Found", got.MessageID, m.ID)
		r.same("To of Found", got.To, want[k].To)
		r.same("Lane of Found", got.Lane, want[k].Lane)
		r.same("Status of Found", got.Status, want[k].Status)
		r.same("Grouped of Found", got.Grouped, true)
	}
	if rs[1].Found != nil {
		r.broken("Found is set in an unmatched receipt")
	}
}

func receiptRaised(r *run) {
	m := message(to(0, 0, mail), to(1, 0, text), to(2, 0, chat))
	r.accept(m)
	r.one(long, mail)
	r.settled(called(r.one(long, text), "p-1"))
	for state, no := range map[string]int{"leased": 0, "settled": 1, "live": 2} {
		rs := []store.Receipt{
			{DeliveryRef: ref(m, no, 0), Status: store.Delivered},
			{DeliveryRef: ref(m, no, 0), Status: store.Delivered, Raised: true, Ended: true},
			{DeliveryRef: ref(m, no, 0), Status: store.Read},
		}
		r.receive(rs...)
		r.same("Raised of a receipt for a delivery that is "+state, rs[0].Raised, true)
		r.same("Ended of a receipt for a delivery that is "+state, rs[0].Ended, state == "live")
		r.same("Raised of a repeated receipt", rs[1].Raised, false)
		r.same("Ended of a repeated receipt", rs[1].Ended, false)
		r.same("Raised of a receipt with a higher status", rs[2].Raised, true)
		r.same("Ended of a receipt with a higher status", rs[2].Ended, false)
	}
}

func receiptSettles(r *run) {
	m := message(to(0, 0, mail), to(1, 0, mail))
	m.Deliveries[1].Status, m.Deliveries[1].NotBefore = store.Held, instant(2090, 1)
	r.accept(m)
	r.received(store.Receipt{DeliveryRef: ref(m, 0, 0), Status: store.Sent}, store.Receipt{DeliveryRef: ref(m, 1, 0), Status: store.Delivered})
	ls := r.ask(long, mail)
	r.same("the number of leases after receipts settled all deliveries", len(ls.Deliveries), 0)
	r.same("NextDue of a lane whose deliveries are all settled by receipts", ls.NextDue, map[store.Lane]time.Time{})
}

func receiptWakes(r *run) {
	m := group(mail, text, chat)
	m.Deliveries[1].NotBefore = instant(2090, 1)
	r.accept(m)
	a, c := r.one(long, mail), r.one(long, chat)
	r.settled(called(a, "p-1"))
	r.received(store.Receipt{DeliveryRef: a.DeliveryRef, Status: store.Sent}, store.Receipt{DeliveryRef: a.DeliveryRef, Status: store.Failed})
	r.none("the receipts raised no delivery", text)
	r.received(store.Receipt{Provider: "postman", ProviderID: "p-1", Status: store.Read})
	r.none("the woken delivery is leased", chat)
	if b := r.one(long, text); len(b.Group) != 3 || b.Group[0].Status != store.Read {
		r.broken("the group of a woken delivery lacks the status that the receipt set: %+v", b.Group)
	}
	r.settled(waits(c, r.now().Add(long)))
	r.one(long, chat)
}
