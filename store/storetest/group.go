package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var groupRules = []rule{
	{"progress", "the lease of a Grouped delivery brings the progress of its group, itself included, by place; other leases bring none",
		groupProgress},
	{"wake race", "a delivery that was woken during its lease is due at once, whatever the Due of its settlement", groupWakeRace},
	{"wake", "Wake increases the Wakes of the live peers, and makes those due at once that are not leased; leases and NotBefore stay",
		groupWake},
	{"no wake", "Wake does not wake the delivery itself, another recipient's delivery, or a settled one; a settlement without Wake wakes none",
		groupNoWake},
	{"wake in one call", "peers with settlements in one call wake each other, whichever comes first", groupWakeInOneCall},
}

func groupProgress(r *run) {
	m := message(to(0, 1, text), to(0, 0, mail), to(0, 2, chat), to(1, 0, mail), to(1, 1, mail), to(2, 0, mail))
	for i := range 5 {
		m.Deliveries[i].Grouped = true
		m.Deliveries[i].NotBefore = instant(2090, 1)
	}
	m.Deliveries[1].NotBefore, m.Deliveries[5].NotBefore = time.Time{}, time.Time{}
	m.Deliveries[2].Status, m.Deliveries[2].Reason, m.Deliveries[2].To = store.Suppressed, "invalid", "elsewhere"
	r.accept(m)
	for _, l := range r.ask(long, mail).Deliveries {
		if l.Recipient == 2 {
			r.same("the group of a delivery that is not Grouped", l.Group, []store.Progress(nil))
			continue
		}
		at := l.At
		r.same("the group", l.Group, []store.Progress{
			{Place: 0, Channel: mail.Channel(), To: "ann@example.com", Status: store.Accepted, At: at},
			{Place: 1, Channel: text.Channel(), To: "ann@example.com", Status: store.Accepted, At: at},
			{Place: 2, Channel: chat.Channel(), To: "elsewhere", Status: store.Suppressed, Reason: "invalid", At: at},
		})
		s := called(l, "p-1")
		s.Wake = true
		r.settled(s)
	}
	l := r.one(long, text)
	r.same("the group after a settlement of place 0", l.Group[0], store.Progress{Place: 0, Channel: mail.Channel(), To: "ann@example.com", Attempts: 1,
		Status: store.Sent, At: r.stored(ref(m, 0, 0)).At})
}

func groupWakeRace(r *run) {
	r.accept(group(mail, text))
	a, b := r.one(long, mail), r.one(long, text)
	fact := ends(a, store.Held, "retry")
	fact.Due, fact.Wake = r.now().Add(long), true
	r.settled(fact)
	r.settled(waits(b, r.now().Add(long)))
	b = r.one(long, text)
	r.settled(waits(b, r.now().Add(long)))
	r.none("no peer has woken it since its last lease", text)
	r.same("the status of a delivery that was woken and settled again", r.stored(b.DeliveryRef).Status, store.Held)
}

func groupWake(r *run) {
	m := group(mail, text, chat)
	m.Deliveries[1].NotBefore = r.now().Add(2 * long)
	r.accept(m)
	a, c := r.one(long, mail), r.one(long, chat)
	before := r.stored(ref(m, 0, 1))
	s := ends(a, store.Failed, "rejected")
	s.Wake = true
	r.settled(s)
	r.none("the woken delivery is leased for an hour", chat)
	b := r.one(long, text)
	if b.Wakes <= before.Wakes {
		r.broken("Wakes is %d after a peer's settlement with Wake and %d before, want an increase", b.Wakes, before.Wakes)
	}
	r.same("NotBefore of a woken delivery", b.NotBefore, m.Deliveries[1].NotBefore)
	d := r.stored(c.DeliveryRef)
	if d.Wakes <= c.Wakes {
		r.broken("Wakes of a leased delivery is %d after a peer's settlement with Wake and %d before, want an increase", d.Wakes, c.Wakes)
	}
	r.same("Due of a leased delivery after a wake", d.Due, c.Due)
	r.same("Claim of a leased delivery after a wake", d.Claim, c.Claim)
	if lost := r.extend(long, store.Extension{DeliveryRef: c.DeliveryRef}); len(lost) > 0 {
		r.broken("the lease of a woken delivery is lost")
	}
}

func groupNoWake(r *run) {
	m := group(mail, text)
	done, other := to(0, 2, text), to(1, 0, text)
	done.Grouped, done.Status = true, store.Sent
	other.Grouped, other.NotBefore = true, instant(2090, 1)
	m.Deliveries[1].NotBefore = instant(2090, 1)
	m.Deliveries = append(m.Deliveries, done, other)
	stranger := group(text)
	stranger.Deliveries[0].NotBefore = instant(2090, 1)
	r.accept(m, stranger)
	a := r.one(long, mail)
	r.settled(waits(a, r.now()))
	r.none("a settlement without Wake wakes no delivery", text)
	r.same("Wakes after a settlement without Wake", r.stored(ref(m, 0, 1)).Wakes, int64(0))

	a = r.one(long, mail)
	s := waits(a, r.now().Add(long))
	s.Wake = true
	r.settled(s)
	r.none("a delivery does not wake itself", mail)
	if l := r.one(long, text); l.DeliveryRef.Recipient != 0 || l.MessageID != m.ID {
		r.broken("Wake wakes another recipient's delivery")
	}
	r.same("Wakes of another recipient's delivery", r.stored(ref(m, 1, 0)).Wakes, int64(0))
	r.same("Wakes of another message's delivery", r.stored(ref(stranger, 0, 0)).Wakes, int64(0))
	r.same("Due of a settled peer", r.stored(ref(m, 0, 2)).Due, time.Time{})
}

func groupWakeInOneCall(r *run) {
	for _, order := range [][2]int{{0, 1}, {1, 0}} {
		r.accept(group(mail, text))
		a, b := r.one(long, mail), r.one(long, text)
		fact, wait := ends(a, store.Failed, "rejected"), waits(b, r.now().Add(long))
		fact.Wake = true
		both := []store.Settlement{fact, wait}
		r.settled(both[order[0]], both[order[1]])
		b = r.one(long, text)
		if len(b.Group) != 2 || b.Group[0].Status != store.Failed {
			r.broken("the group of a woken delivery lacks the peer's new status: %+v", b.Group)
		}
		r.settled(ends(b, store.Sent, ""))
	}
	r.accept(group(mail, text))
	a, b := r.one(long, mail), r.one(long, text)
	retries := []store.Settlement{waits(a, r.now().Add(long)), waits(b, r.now().Add(long))}
	retries[0].Wake, retries[1].Wake = true, true
	r.settled(retries...)
	if n := len(r.ask(long, mail, text).Deliveries); n != 2 {
		r.broken("%d of two peers that woke each other are due, want 2", n)
	}
}
