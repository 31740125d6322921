package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var changeRules = []rule{
	{"cancel", "Cancel makes live deliveries Canceled, and does not change settled ones", changeCancel},
	{"release", "Release makes Held deliveries Accepted and due at once, clears Reason and NotBefore, and does not change other deliveries", changeRelease},
	{"replay", "Replay makes Failed and Unknown deliveries Accepted and due at once, and clears Reason, NotBefore, Failure, Spent and Canceled; " +
		"Attempts, Doubt and Duplicate stay, except that Unknown deliveries get Doubt", changeReplay},
	{"leased", "leased deliveries are not changed: Cancel sets their Canceled, the other actions skip them, and all count them", changeLeased},
	{"filter", "only the selected deliveries are changed, even within a message", changeFilter},
	{"limit", "at most Limit deliveries are changed, those of the oldest messages first", changeLimit},
	{"wakes", "a change of a Grouped delivery wakes its live peers", changeWakes},
	{"repeated", "a repeated change changes nothing more", changeRepeated},
}

// everyStatus returns a message with a delivery in each status, in the lane mail. The live ones are due in the far future.
func everyStatus() store.NewMessage {
	m := message()
	for i, s := range []store.Status{store.Accepted, store.Held, store.Sent, store.Delivered, store.Read, store.Failed, store.Unknown,
		store.Suppressed, store.Canceled, store.Expired} {
		d := to(i, 0, mail)
		d.Status, d.Reason, d.NotBefore, d.Failure = s, "because", instant(2090, 1), fault()
		m.Deliveries = append(m.Deliveries, d)
	}
	return m
}

// changes applies an action to a message from everyStatus. It checks that exactly the deliveries with a status in from are changed, and
// that their new status is to. It returns the changed deliveries.
func (r *run) changes(a store.Action, to store.Status, from ...store.Status) []store.Delivery {
	r.Helper()
	m := everyStatus()
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
		r.same("the status of a delivery that was "+string(before[i].Status), d.Status, to)
		r.same("the reason of a delivery that was "+string(before[i].Status), d.Reason, store.Reason(""))
	}
	r.same("the changed deliveries", set(done.Deliveries), set(names))
	r.same("Leased", done.Leased, 0)
	return changed
}

func changeCancel(r *run) {
	before := r.now()
	for _, d := range r.changes(store.Cancel, store.Canceled, store.Accepted, store.Held) {
		r.same("Due of a canceled delivery", d.Due, time.Time{})
		if d.At.Before(before) || d.At.After(r.now()) {
			r.broken("At is %v, want the time of the cancellation on the store's clock", d.At)
		}
	}
	r.same("NextDue of a lane whose deliveries are all canceled", r.ask(long, mail).NextDue, map[store.Lane]time.Time{})
}

func changeRelease(r *run) {
	r.changes(store.Release, store.Accepted, store.Held)
	l := r.one(long, mail)
	r.same("the recipient of the due delivery", l.Recipient, 1)
	r.same("NotBefore", l.NotBefore, time.Time{})
	r.same("Failure", l.Failure, fault())
}

func changeReplay(r *run) {
	r.changes(store.Replay, store.Accepted, store.Failed, store.Unknown)
	ls := r.ask(long, mail).Deliveries
	r.same("the number of due deliveries", len(ls), 2)
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
	r.same("the number of changed deliveries", len(done.Deliveries), 2)
	for _, l := range r.ask(long, mail).Deliveries {
		r.same("Spent", l.Spent, 0)
		r.same("Attempts", l.Attempts, 5)
		r.same("Doubt", l.Doubt, true)
		r.same("Duplicate", l.Duplicate, true)
		r.same("Canceled", l.Canceled, false)
		r.same("the number of attempts", len(r.stored(l.DeliveryRef).Attempted), 1)
		s := waits(l, r.now().Add(long))
		r.settled(s)
		r.same("Status of a delivery that was canceled, replayed and settled", r.stored(l.DeliveryRef).Status, store.Held)
	}
}

func changeLeased(r *run) {
	m := message(to(0, 0, mail), to(1, 0, text), to(2, 0, chat))
	m.Deliveries[0].Status, m.Deliveries[1].Status = store.Held, store.Held
	r.accept(m)
	held, failed := r.one(long, mail), r.one(long, chat)
	all := store.Filter{Tenant: "shop"}
	done := r.change(store.Change{Action: store.Release, Filter: all})
	r.same("the result of Release for two held deliveries, one of them leased", done, store.Changed{Deliveries: []store.DeliveryRef{ref(m, 1, 0)}, Leased: 1})
	r.same("a leased delivery after Release", r.stored(held.DeliveryRef), held.Delivery)

	r.received(store.Receipt{DeliveryRef: failed.DeliveryRef, Status: store.Failed, Reason: store.ReasonBounced})
	done = r.change(store.Change{Action: store.Replay, Filter: all})
	r.same("the result of Replay for a failed and leased delivery", done, store.Changed{Leased: 1})
	r.same("the status of a failed and leased delivery after Replay", r.stored(failed.DeliveryRef).Status, store.Failed)

	done = r.change(store.Change{Action: store.Cancel, Filter: all})
	r.same("the result of Cancel for two live deliveries, one of them leased", done, store.Changed{Deliveries: []store.DeliveryRef{ref(m, 1, 0)}, Leased: 1})
	want := held.Delivery
	want.Canceled = true
	r.same("a leased delivery after Cancel", r.stored(held.DeliveryRef), want)
	if lost := r.extend(long, store.Extension{DeliveryRef: held.DeliveryRef}); len(lost) > 0 {
		r.broken("the lease of a canceled delivery is lost")
	}
}

func changeFilter(r *run) {
	m, other, stranger := message(to(0, 0, mail), to(1, 0, text)), letter(), letter()
	other.Tenant, stranger.Tenant = "", "other"
	r.accept(m, other, stranger)
	done := r.change(store.Change{Action: store.Cancel, Filter: store.Filter{Tenant: "shop", Channel: "email"}})
	r.same("the changed deliveries of a tenant and a channel", done.Deliveries, []store.DeliveryRef{ref(m, 0, 0)})
	done = r.change(store.Change{Action: store.Cancel})
	r.same("the changed deliveries of the empty tenant", done.Deliveries, []store.DeliveryRef{ref(other, 0, 0)})
	done = r.change(store.Change{Action: store.Cancel, Filter: store.Filter{Tenant: "shop", MessageID: stranger.ID}})
	r.same("the number of changed deliveries for a message of another tenant", len(done.Deliveries), 0)
	if n := len(r.ask(long, mail, text).Deliveries); n != 2 {
		r.broken("%d deliveries are leased, want the 2 that the filters did not select", n)
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
	r.same("the first two changed deliveries", set(r.change(cancel).Deliveries), set(names[:2]))
	cancel.Limit = 4
	r.same("the next four changed deliveries", set(r.change(cancel).Deliveries), set(names[2:6]))
	cancel.Limit = 0
	r.same("all other changed deliveries", set(r.change(cancel).Deliveries), set(names[6:]))
}

// set returns the set of all, for comparisons without order.
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
		r.same("the changed deliveries", done.Deliveries, []store.DeliveryRef{ref(m, 0, 0)})
		l := r.one(long, text)
		if l.Wakes == 0 {
			r.broken("Wakes is 0 after %s of a peer", c.action)
		}
		r.same("NotBefore of a woken delivery", l.NotBefore, m.Deliveries[1].NotBefore)
		r.cancel(m.ID)
	}
}

func changeRepeated(r *run) {
	for _, a := range []store.Action{store.Cancel, store.Release, store.Replay} {
		m := everyStatus()
		r.accept(m)
		change := store.Change{Action: a, Filter: store.Filter{Tenant: "shop", MessageID: m.ID}}
		r.change(change)
		before := r.record(m.ID)
		r.same("the result of a repeated "+string(a), r.change(change), store.Changed{})
		r.same("the message after a repeated "+string(a), r.record(m.ID), before)
	}
}
