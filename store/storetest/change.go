package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var changeRules = []rule{
	{"cancel", "Cancel makes what is live Canceled, and touches nothing that is settled", changeCancel},
	{"release", "Release makes what is held Accepted and due at once, without Reason and NotBefore, and touches nothing else", changeRelease},
	{"replay", "Replay makes what failed or is unknown Accepted and due at once, with no Spent, Reason, NotBefore, Failure or Canceled; " +
		"Attempts, Doubt and Duplicate stay; what was unknown is in doubt", changeReplay},
	{"leased", "what is leased is not changed: Cancel marks it, the others pass it over, and all count it", changeLeased},
	{"filter", "only what the filter selects is changed: of a message, too", changeFilter},
	{"limit", "at most Limit deliveries are changed, those of the oldest messages first", changeLimit},
	{"wakes", "a change of a Grouped delivery wakes its live peers", changeWakes},
	{"repeated", "a change that is repeated changes nothing more", changeRepeated},
}

// every is a message with a delivery in each status, by mail, and what was Held and Accepted is due in the far future.
func every() store.NewMessage {
	m := message()
	for i, s := range []store.Status{store.Accepted, store.Held, store.Sent, store.Delivered, store.Read, store.Failed, store.Unknown,
		store.Suppressed, store.Canceled, store.Expired} {
		d := to(i, 0, mail)
		d.Status, d.Reason, d.NotBefore, d.Failure = s, "because", instant(2090, 1), fault()
		m.Deliveries = append(m.Deliveries, d)
	}
	return m
}

// changes makes a change to every, and checks that it is made to those in a status, and to nobody else.
func (r *run) changes(a store.Action, to store.Status, from ...store.Status) []store.Delivery {
	r.Helper()
	m := every()
	r.accept(m)
	before := r.record(m.ID).Deliveries
	done := r.change(store.Change{Action: a, Filter: store.Filter{Tenant: "shop"}})
	was := map[store.Status]bool{}
	for _, s := range from {
		was[s] = true
	}
	var names []store.DeliveryRef
	var changed []store.Delivery
	for i, d := range r.record(m.ID).Deliveries {
		if !was[before[i].Status] {
			r.same("a delivery that is "+string(before[i].Status), d, before[i])
			continue
		}
		names, changed = append(names, ref(m, i, 0)), append(changed, d)
		r.same("the status of what was "+string(before[i].Status), d.Status, to)
		r.same("the reason of what was "+string(before[i].Status), d.Reason, store.Reason(""))
	}
	r.same("what was changed", set(done.Deliveries), set(names))
	r.same("what was leased", done.Leased, 0)
	return changed
}

func changeCancel(r *run) {
	before := r.now()
	for _, d := range r.changes(store.Cancel, store.Canceled, store.Accepted, store.Held) {
		r.same("Due of what is canceled", d.Due, time.Time{})
		if d.At.Before(before) || d.At.After(r.now()) {
			r.broken("At is %v, want when it was canceled, on the store's clock", d.At)
		}
	}
	r.same("NextDue of a lane in which all is canceled", r.ask(long, mail).NextDue, map[store.Lane]time.Time{})
}

func changeRelease(r *run) {
	r.changes(store.Release, store.Accepted, store.Held)
	l := r.one(long, mail)
	r.same("which delivery is due", l.Recipient, 1)
	r.same("NotBefore", l.NotBefore, time.Time{})
	r.same("Failure", l.Failure, fault())
}

func changeReplay(r *run) {
	r.changes(store.Replay, store.Accepted, store.Failed, store.Unknown)
	ls := r.ask(long, mail).Deliveries
	r.same("the deliveries that are due", len(ls), 2)
	for _, l := range ls {
		r.same("NotBefore", l.NotBefore, time.Time{})
		r.same("Failure", l.Failure, (*store.Failure)(nil))
		r.same("Doubt", l.Doubt, l.Recipient == 6)
		s := called(l, "p")
		s.Status, s.Attempts, s.Spent, s.Doubt, s.Duplicate, s.Failure = store.Failed, 5, 4, true, true, fault()
		r.cancel(l.MessageID)
		r.settled(s)
	}
	done := r.change(store.Change{Action: store.Replay, Filter: store.Filter{Tenant: "shop"}})
	r.same("what was changed", len(done.Deliveries), 2)
	for _, l := range r.ask(long, mail).Deliveries {
		r.same("Spent", l.Spent, 0)
		r.same("Attempts", l.Attempts, 5)
		r.same("Doubt", l.Doubt, true)
		r.same("Duplicate", l.Duplicate, true)
		r.same("Canceled", l.Canceled, false)
		r.same("the attempts", len(r.stored(l.DeliveryRef).Attempted), 1)
		s := waits(l, r.now().Add(long))
		r.settled(s)
		r.same("Status, of a delivery that was canceled before it was replayed", r.stored(l.DeliveryRef).Status, store.Held)
	}
}

func changeLeased(r *run) {
	m := message(to(0, 0, mail), to(1, 0, text), to(2, 0, chat))
	m.Deliveries[0].Status, m.Deliveries[1].Status = store.Held, store.Held
	r.accept(m)
	held, failed := r.one(long, mail), r.one(long, chat)
	all := store.Filter{Tenant: "shop"}
	done := r.change(store.Change{Action: store.Release, Filter: all})
	r.same("Release, of two that are held, one of them leased", done, store.Changed{Deliveries: []store.DeliveryRef{ref(m, 1, 0)}, Leased: 1})
	r.same("a leased delivery, after Release", r.stored(held.DeliveryRef), held.Delivery)

	r.received(store.Receipt{DeliveryRef: failed.DeliveryRef, Status: store.Failed, Reason: store.ReasonBounced})
	done = r.change(store.Change{Action: store.Replay, Filter: all})
	r.same("Replay, of one that failed and is leased", done, store.Changed{Leased: 1})
	r.same("its status", r.stored(failed.DeliveryRef).Status, store.Failed)

	done = r.change(store.Change{Action: store.Cancel, Filter: all})
	r.same("Cancel, of two that are live, one of them leased", done, store.Changed{Deliveries: []store.DeliveryRef{ref(m, 1, 0)}, Leased: 1})
	want := held.Delivery
	want.Canceled = true
	r.same("a leased delivery, after Cancel", r.stored(held.DeliveryRef), want)
	if lost := r.extend(long, store.Extension{DeliveryRef: held.DeliveryRef}); len(lost) > 0 {
		r.broken("a lease is lost because its delivery was canceled")
	}
}

func changeFilter(r *run) {
	m, other, stranger := message(to(0, 0, mail), to(1, 0, text)), letter(), letter()
	other.Tenant, stranger.Tenant = "", "other"
	r.accept(m, other, stranger)
	done := r.change(store.Change{Action: store.Cancel, Filter: store.Filter{Tenant: "shop", Channel: "email"}})
	r.same("what was changed, of a tenant's mail", done.Deliveries, []store.DeliveryRef{ref(m, 0, 0)})
	done = r.change(store.Change{Action: store.Cancel})
	r.same("what was changed, of no tenant", done.Deliveries, []store.DeliveryRef{ref(other, 0, 0)})
	done = r.change(store.Change{Action: store.Cancel, Filter: store.Filter{Tenant: "shop", MessageID: stranger.ID}})
	r.same("what was changed, of a message of another tenant", len(done.Deliveries), 0)
	if n := len(r.ask(long, mail, text).Deliveries); n != 2 {
		r.broken("%d deliveries are leased, want the 2 that were not selected", n)
	}
}

func changeLimit(r *run) {
	var ms []store.NewMessage
	var names []store.DeliveryRef
	for range 4 {
		m := message(to(0, 0, mail), to(1, 0, mail))
		ms = append(ms, m)
		names = append(names, ref(m, 0, 0), ref(m, 1, 0))
	}
	r.accept(ms[2], ms[3])
	r.accept(ms[1], ms[0])
	cancel := store.Change{Action: store.Cancel, Filter: store.Filter{Tenant: "shop"}, Limit: 2}
	r.same("the first two that were changed", set(r.change(cancel).Deliveries), set(names[:2]))
	cancel.Limit = 4
	r.same("the next four that were changed", set(r.change(cancel).Deliveries), set(names[2:6]))
	cancel.Limit = 0
	r.same("all others", set(r.change(cancel).Deliveries), set(names[6:]))
}

// set is for comparing what may come in any order.
func set[T comparable](all []T) map[T]bool {
	s := make(map[T]bool, len(all))
	for _, x := range all {
		s[x] = true
	}
	return s
}

func changeWakes(r *run) {
	for _, c := range []struct {
		action store.Action
		status store.Status
	}{{store.Cancel, store.Accepted}, {store.Release, store.Held}, {store.Replay, store.Failed}} {
		m := group(mail, text)
		m.Deliveries[0].Status, m.Deliveries[1].NotBefore = c.status, instant(2090, 1)
		r.accept(m)
		done := r.change(store.Change{Action: c.action, Filter: store.Filter{Tenant: "shop", MessageID: m.ID, Channel: "email"}})
		r.same("what was changed", done.Deliveries, []store.DeliveryRef{ref(m, 0, 0)})
		l := r.one(long, text)
		if l.Wakes == 0 {
			r.broken("Wakes has not risen after %s of a peer", c.action)
		}
		r.same("NotBefore of a delivery that was woken", l.NotBefore, m.Deliveries[1].NotBefore)
		r.cancel(m.ID)
	}
}

func changeRepeated(r *run) {
	for _, a := range []store.Action{store.Cancel, store.Release, store.Replay} {
		m := every()
		r.accept(m)
		change := store.Change{Action: a, Filter: store.Filter{Tenant: "shop", MessageID: m.ID}}
		r.change(change)
		before := r.record(m.ID)
		r.same("what "+string(a)+" changes when it is repeated", r.change(change), store.Changed{})
		r.same("the message, after "+string(a)+" was repeated", r.record(m.ID), before)
	}
}
