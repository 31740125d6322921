package storetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/store"
)

var acceptRules = []rule{
	{"as given", "messages and deliveries are stored as given; the store sets AcceptedAt, At and Due", acceptAsGiven},
	{"values", "texts are any UTF-8 without NUL, and bodies are any bytes; both may be long or empty; upper and lower case differ", acceptValues},
	{"settled when planned", "a delivery that is accepted in a settled status is only logged, and never leased", acceptSettled},
	{"not before", "a delivery is not leased before its NotBefore; if that is zero or past, the delivery is due at once", acceptNotBefore},
	{"many deliveries", "a message can have thousands of deliveries", acceptManyDeliveries},
	{"many messages", "a call can accept hundreds of messages", acceptManyMessages},
	{"repeated id", "a message whose ID is already stored is a repetition: it is accepted, and nothing is written", acceptRepeated},
	{"all or none", "a call stores all of its messages or none, whenever its context ends", acceptAllOrNone},
	{"keeps nothing", "the store keeps no reference to its arguments, since callers reuse their slices", acceptKeepsNothing},
	{"empty call", "a call without messages does nothing", acceptNothing},
}

// full returns a message with all fields set.
func full() store.NewMessage {
	m := message(to(0, 0, mail), to(0, 1, text), to(7, 0, chat))
	m.Key, m.AtMostOnce, m.ExpireAt = "order-17", true, instant(2090, 1)
	m.Deliveries[0].Grouped, m.Deliveries[1].Grouped = true, true
	m.Deliveries[0].Body = []byte(`{"title":"yours"}`)
	m.Deliveries[1].Status, m.Deliveries[1].Reason, m.Deliveries[1].NotBefore = store.Held, "scheduled", instant(2089, 2)
	m.Deliveries[2].Status, m.Deliveries[2].Reason, m.Deliveries[2].Failure = store.Failed, "invalid", fault()
	return m
}

// stays checks that m is stored as given.
func (r *run) stays(m store.NewMessage) {
	r.Helper()
	rec := r.record(m.ID)
	if rec.Message.AcceptedAt.IsZero() {
		r.broken("message %s has a zero AcceptedAt", m.ID)
	}
	want := m.Message
	want.AcceptedAt = rec.Message.AcceptedAt
	r.same("the message", rec.Message, want)
	if len(rec.Deliveries) != len(m.Deliveries) {
		r.stop("message %s has %d deliveries, want %d", m.ID, len(rec.Deliveries), len(m.Deliveries))
	}
	for i, n := range m.Deliveries {
		r.same("a delivery", timeless(rec.Deliveries[i]), planned(m, n))
	}
}

func acceptAsGiven(r *run) {
	m := full()
	before := r.now()
	r.accept(m)
	after := r.now()
	r.stays(m)
	rec := r.record(m.ID)
	if at := rec.Message.AcceptedAt; at.Before(before) || at.After(after) {
		r.broken("AcceptedAt is %v, want a time on the store's clock between %v and %v", at, before, after)
	}
	for i, d := range rec.Deliveries {
		if d.At.Before(before) || d.At.After(after) {
			r.broken("At of delivery %d is %v, want a time on the store's clock between %v and %v", i, d.At, before, after)
		}
		if d.Claim != 0 {
			r.broken("delivery %d has the claim %d before its first lease, want 0", i, d.Claim)
		}
	}
	if due := rec.Deliveries[0].Due; due.IsZero() || due.After(after) {
		r.broken("a delivery without NotBefore is due at %v, want at once", due)
	}
	r.same("Due of a delivery with NotBefore", rec.Deliveries[1].Due, m.Deliveries[1].NotBefore)
	r.same("Due of a settled delivery", rec.Deliveries[2].Due, time.Time{})
}

func acceptValues(r *run) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	unicode := "Größe 订单 🚚 \u202e'\"`%_\\?$1;--\t\n "
	longest := strings.Repeat("ü", 200)
	empty := message(store.NewDelivery{Lane: mail, Status: store.Accepted})
	empty.Message, empty.Request = store.Message{ID: newID()}, nil
	odd := message(to(0, 0, mail))
	odd.Tenant, odd.Key, odd.Category, odd.Template, odd.Body = unicode, unicode, unicode, unicode, all
	odd.Deliveries[0].User, odd.Deliveries[0].To, odd.Deliveries[0].Locale, odd.Deliveries[0].Body = unicode, unicode, unicode, all
	odd.Deliveries[0].Reason = "odd"
	big := message(to(0, 0, mail))
	big.Key, big.Body, big.Deliveries[0].Body = longest, bytes.Repeat(all, 4096), bytes.Repeat(all, 256)
	big.Deliveries[0].To, big.Deliveries[0].User = longest, longest
	r.accept(empty, odd, big)
	leased := r.ask(long, mail).Deliveries
	for _, m := range []store.NewMessage{empty, odd, big} {
		r.stays(m)
		at := slices.IndexFunc(leased, func(l store.Leased) bool { return l.MessageID == m.ID })
		if at < 0 {
			r.stop("a delivery of message %s is not leased", m.ID)
		}
		r.same("a leased delivery", timeless(leased[at].Delivery), planned(m, m.Deliveries[0]))
	}
}

func acceptSettled(r *run) {
	m := message()
	for i, s := range settled {
		d := to(i, 0, mail)
		d.Status, d.Reason, d.Failure = s, "planned", fault()
		m.Deliveries = append(m.Deliveries, d)
	}
	r.accept(m)
	r.none("all deliveries were accepted in settled statuses", mail)
	r.stays(m)
}

func acceptNotBefore(r *run) {
	soon, past, later := letter(), letter(), message(to(0, 0, chat))
	now := r.now()
	later.Deliveries[0].NotBefore = now.Add(long)
	past.Deliveries[0].NotBefore = now.Add(-long)
	r.accept(past, later)
	if l := r.one(long, mail); l.MessageID != past.ID {
		r.broken("the leased delivery is not the one whose NotBefore has passed")
	}
	r.none("its NotBefore is in an hour", chat)
	soon.Deliveries[0].NotBefore = r.now().Add(short)
	r.accept(soon)
	var ls store.Leases
	r.until("lease after NotBefore", func() bool { ls = r.ask(long, mail); return len(ls.Deliveries) > 0 })
	if ls.Now.Before(soon.Deliveries[0].NotBefore) {
		r.broken("a delivery is leased at %v, before its NotBefore %v", ls.Now, soon.Deliveries[0].NotBefore)
	}
}

func acceptManyDeliveries(r *run) {
	m := message()
	for i := range 3000 {
		m.Deliveries = append(m.Deliveries, to(i, 0, mail))
	}
	r.accept(m)
	r.stays(m)
	if n := len(r.ask(long, mail).Deliveries); n != len(m.Deliveries) {
		r.broken("%d deliveries are leased, want %d", n, len(m.Deliveries))
	}
}

func acceptManyMessages(r *run) {
	var ms []store.NewMessage
	for i := range 500 {
		m := message(to(0, 0, mail), to(i+1, 0, text))
		m.Key = m.ID
		ms = append(ms, m)
	}
	r.accept(ms...)
	for _, i := range []int{0, 250, 499} {
		r.stays(ms[i])
	}
	if n := len(r.ask(long, mail, text).Deliveries); n != 1000 {
		r.broken("%d deliveries are leased, want 1000", n)
	}
}

func acceptRepeated(r *run) {
	first, second := full(), letter()
	r.accept(first)
	r.settled(ends(r.one(long, mail), store.Sent, ""))
	for _, a := range r.answers(first, second, second, first) {
		if a.First != nil || a.Differs {
			r.broken("a repeated message is not accepted: %+v", a)
		}
	}
	r.stays(second)
	rec := r.record(first.ID)
	if len(rec.Deliveries) != len(first.Deliveries) {
		r.stop("a message has %d deliveries after it was repeated, want %d", len(rec.Deliveries), len(first.Deliveries))
	}
	r.same("the status of a sent delivery after its message was repeated", rec.Deliveries[0].Status, store.Sent)
	if l := r.one(long, mail); l.MessageID != second.ID {
		r.broken("a sent delivery is leased after its message was repeated")
	}
}

func acceptAllOrNone(r *run) {
	for i := range 12 {
		var ms []store.NewMessage
		for range 60 {
			m := message(to(0, 0, mail), to(1, 0, text))
			m.Template = fmt.Sprintf("try-%d", i)
			ms = append(ms, m)
		}
		ctx, cancel := context.WithTimeout(r.Context(), time.Duration(i*i)*200*time.Microsecond)
		_, err := r.store.AcceptMessages(ctx, ms)
		cancel()
		n := 0
		for _, rec := range r.list(store.MessageQuery{Filter: store.Filter{Tenant: "shop", Template: ms[0].Template}, Limit: 500}).Messages {
			n += len(rec.Deliveries)
		}
		if n != 0 && n != 120 || err == nil && n == 0 {
			r.broken("a call whose context ended stored %d of 120 deliveries, want all or none (error: %v)", n, err)
		}
	}
}

func acceptKeepsNothing(r *run) {
	m, given := full(), full()
	m.ID = given.ID
	r.accept(given)
	given.Body[0], given.Request[0], given.Deliveries[0].Body[0], given.Deliveries[2].Failure.Text = '!', '!', '!', "!"
	given.Deliveries[1] = to(0, 1, chat)
	r.stays(m)
	if a := r.answers(sameKey(m))[0]; a.First == nil || a.Differs {
		r.broken("the stored Request changed when the caller modified its slice: %+v", a)
	}
}

func acceptNothing(r *run) {
	r.answers()
	if page := r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}}); len(page.Messages) > 0 {
		r.broken("an empty store lists %d messages", len(page.Messages))
	}
}
