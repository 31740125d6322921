package storetest

import (
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

var leaseRules = []rule{
	{"claim", "a lease increases the claim, makes the delivery due at the end of the lease, and changes nothing else", leaseClaim},
	{"once", "a delivery is not leased again before its lease has run out", leaseOnce},
	{"room", "each lane gives at most its room; later leases give the rest", leaseRoom},
	{"order", "deliveries are leased lane by lane in the order of the request, and within a lane the longest due first", leaseOrder},
	{"lanes", "lanes are independent: only requested lanes give deliveries, and an unknown lane is empty", leaseLanes},
	{"next due", "NextDue holds, for each lane that gave less than its room, the due time of its next delivery, leased or not; a lane without live " +
		"deliveries has no entry, nor has a lane that filled its room", leaseNextDue},
	{"runs out", "a delivery whose lease runs out is due again; Lapsed counts such leases since the last settlement", leaseRunsOut},
	{"marked", "Marked reports that an Extension marked one of the leases that ran out since the last settlement", leaseMarked},
	{"message", "all deliveries of one message in one answer share one Message, which includes the body", leaseMessage},
	{"copies", "a store returns copies, except for Message", leaseCopies},
}

func leaseClaim(r *run) {
	m := full()
	m.Deliveries[0].Status, m.Deliveries[0].Reason = store.Held, "scheduled"
	r.accept(m)
	before := r.stored(ref(m, 0, 0))
	ls := r.ask(90*time.Second, mail)
	if len(ls.Deliveries) != 1 {
		r.stop("%d deliveries are leased, want 1", len(ls.Deliveries))
	}
	l := ls.Deliveries[0].Delivery
	if l.Claim <= before.Claim {
		r.broken("the claim is %d after a lease and %d before, want an increase", l.Claim, before.Claim)
	}
	r.same("Due of a leased delivery, which must be Now plus the duration of the lease", l.Due, ls.Now.Add(90*time.Second))
	r.same("the stored delivery", r.stored(ref(m, 0, 0)), l)
	r.same("a leased delivery", timeless(l), planned(m, m.Deliveries[0]))
	r.same("At of a leased delivery", l.At, before.At)
}

func leaseOnce(r *run) {
	r.accept(letter(), letter())
	if n := len(r.ask(long, mail).Deliveries); n != 2 {
		r.stop("%d deliveries are leased, want 2", n)
	}
	r.none("they are leased for an hour", mail)
	r.none("they are leased for an hour", mail)
}

func leaseRoom(r *run) {
	for range 7 {
		r.accept(message(to(0, 0, mail), to(1, 0, text)))
	}
	seen := map[store.DeliveryRef]bool{}
	for round, want := range [][2]int{{3, 1}, {3, 1}, {1, 1}, {0, 1}, {0, 1}} {
		got := map[store.Lane]int{}
		for _, l := range r.lease(long, store.LaneRoom{Lane: mail, Room: 3}, store.LaneRoom{Lane: text, Room: 1}).Deliveries {
			got[l.Lane]++
			if seen[l.DeliveryRef] {
				r.broken("%v is leased twice", l.DeliveryRef)
			}
			seen[l.DeliveryRef] = true
		}
		if got[mail] != want[0] || got[text] != want[1] {
			r.broken("round %d leases %d and %d deliveries of two lanes, which had 7 each and have room for 3 and 1; want %d and %d", round, got[mail],
				got[text], want[0], want[1])
		}
	}
	if ls := r.lease(long, store.LaneRoom{Lane: text, Room: 0}); len(ls.Deliveries) > 0 {
		r.broken("a lane with room 0 gives %d deliveries", len(ls.Deliveries))
	}
}

// queue stores n deliveries in each of two lanes, with due times in the past. It returns their message ids by lane, the longest due first.
func (r *run) queue(n int) map[store.Lane][]string {
	r.Helper()
	want := map[store.Lane][]string{}
	for range n {
		r.accept(message(to(0, 0, mail), to(1, 0, text)))
	}
	now := r.now()
	var ss []store.Settlement
	seen := map[store.Lane]int{}
	for _, l := range r.ask(long, mail, text).Deliveries {
		at := seen[l.Lane]*5%n + 1 // n is not a multiple of 5, so each place occurs once per lane
		seen[l.Lane]++
		s := waits(l, now.Add(-time.Duration(at)*time.Second))
		ss = append(ss, s)
		if want[l.Lane] == nil {
			want[l.Lane] = make([]string, n)
		}
		want[l.Lane][n-at] = l.MessageID
	}
	r.settled(ss...)
	return want
}

func leaseOrder(r *run) {
	want := r.queue(8)
	got := map[store.Lane][]string{}
	for _, room := range []int{1, 1, 3, plenty} {
		ls := r.lease(long, store.LaneRoom{Lane: text, Room: room}, store.LaneRoom{Lane: mail, Room: room}).Deliveries
		for _, l := range ls {
			got[l.Lane] = append(got[l.Lane], l.MessageID)
		}
		if !slices.IsSortedFunc(ls, func(a, b store.Leased) int { return lanePlace(a.Lane) - lanePlace(b.Lane) }) {
			r.broken("deliveries of two lanes are mixed, want them lane by lane in the order of the request")
		}
	}
	r.same("the deliveries of "+string(mail)+", by due time", got[mail], want[mail])
	r.same("the deliveries of "+string(text)+", by due time", got[text], want[text])
}

// lanePlace returns the place of a lane in the request of leaseOrder.
func lanePlace(l store.Lane) int {
	if l == text {
		return 0
	}
	return 1
}

func leaseLanes(r *run) {
	r.accept(message(to(0, 0, mail), to(1, 0, "email"), to(2, 0, "email/ot"), to(3, 0, "email/otp2"), to(4, 0, "Email/otp")))
	r.none("the requested lanes are empty", text, "unknown/lane", "", "email/%")
	r.none("no lane is requested")
	if l := r.one(long, mail); l.Lane != mail {
		r.broken("lane %s gives a delivery of lane %s", mail, l.Lane)
	}
	if n := len(r.ask(long, "email", "Email/otp").Deliveries); n != 2 {
		r.broken("two other lanes give %d deliveries, want 2", n)
	}
}

func leaseNextDue(r *run) {
	r.same("NextDue of empty lanes", r.ask(long, mail, text).NextDue, map[store.Lane]time.Time{})
	m := message(to(0, 0, mail), to(1, 0, mail), to(2, 0, mail), to(3, 0, text), to(4, 0, chat), to(5, 0, chat))
	m.Deliveries[2].NotBefore = r.now().Add(30 * time.Minute)
	r.accept(m)
	ls := r.lease(long, store.LaneRoom{Lane: mail, Room: 3}, store.LaneRoom{Lane: text, Room: 3}, store.LaneRoom{Lane: chat, Room: 2})
	r.same("NextDue", ls.NextDue, map[store.Lane]time.Time{mail: m.Deliveries[2].NotBefore, text: ls.Now.Add(long)})

	again := r.ask(long, mail, text, chat, "unknown/lane")
	r.same("NextDue when all due deliveries are leased", again.NextDue, map[store.Lane]time.Time{mail: m.Deliveries[2].NotBefore,
		text: ls.Now.Add(long), chat: ls.Now.Add(long)})

	due := r.now().Add(10 * time.Minute)
	for _, l := range ls.Deliveries {
		if l.Lane == chat {
			r.settled(waits(l, due))
		} else {
			r.settled(ends(l, store.Sent, ""))
		}
	}
	r.same("NextDue after settlements", r.ask(long, mail, text, chat).NextDue, map[store.Lane]time.Time{mail: m.Deliveries[2].NotBefore, chat: due})
}

func leaseRunsOut(r *run) {
	r.accept(letter())
	l := r.one(short, mail)
	for want := range 3 {
		if l.Lapsed != want {
			r.broken("Lapsed is %d after %d leases ran out", l.Lapsed, want)
		}
		if l.Marked {
			r.broken("Marked is set, although no Extension marked a lease")
		}
		end, claim := l.Due, l.Claim
		ls := store.Leases{}
		r.until("end of a lease", func() bool { ls = r.ask(short, mail); return len(ls.Deliveries) > 0 })
		l = ls.Deliveries[0]
		if ls.Now.Before(end) {
			r.broken("a delivery is leased again at %v, before the end of its lease at %v", ls.Now, end)
		}
		if l.Claim <= claim {
			r.broken("the claim is %d after a lease and %d before, want an increase", l.Claim, claim)
		}
	}
	r.settled(waits(l, r.now()))
	if l = r.one(short, mail); l.Lapsed != 0 {
		r.broken("Lapsed is %d after a settlement, want 0", l.Lapsed)
	}
	r.same("the stored Lapsed", r.stored(l.DeliveryRef).Lapsed, 0)
}

func leaseMarked(r *run) {
	r.accept(letter())
	l := r.one(long, mail)
	if l.Marked {
		r.broken("Marked is set before any Extension")
	}
	r.extend(long, store.Extension{DeliveryRef: l.DeliveryRef, Marked: true})
	r.extend(0, store.Extension{DeliveryRef: l.DeliveryRef})
	for i := range 2 {
		if l = r.again(0); !l.Marked {
			r.broken("Marked is not set %d leases after a marked one", i+1)
		}
	}
	r.settled(waits(l, r.now()))
	r.again(0)
	if l = r.again(0); l.Marked || l.Lapsed != 1 {
		r.broken("Marked is %v and Lapsed is %d after a settlement and one unmarked lease that ran out, want false and 1", l.Marked, l.Lapsed)
	}
}

func leaseMessage(r *run) {
	m, other := message(to(0, 0, mail), to(1, 0, mail), to(2, 0, text)), letter()
	m.Body = []byte("the body")
	r.accept(m, other)
	heads := map[*store.Message]bool{}
	for _, l := range r.ask(long, mail, text).Deliveries {
		want := m
		if l.MessageID == other.ID {
			want = other
		}
		if l.Message == nil {
			r.stop("a leased delivery has no Message")
		}
		r.same("a leased delivery", timeless(l.Delivery), planned(want, want.Deliveries[l.Recipient]))
		heads[l.Message] = true
	}
	r.same("the number of Message values for the deliveries of two messages", len(heads), 2)
}

func leaseCopies(r *run) {
	m := message(to(0, 0, mail))
	m.Deliveries[0].Body, m.Deliveries[0].Failure = []byte("body"), fault()
	r.accept(m)
	l := r.one(0, mail)
	l.Body[0], l.Failure.Text, l.To = '!', "!", "!"
	l = r.again(long)
	r.same("the body of a delivery after the caller modified an answer", timeless(l.Delivery).Body, m.Deliveries[0].Body)
	r.same("the failure of a delivery after the caller modified an answer", l.Failure, fault())

	s := called(l, "p-1")
	s.Failure, s.Attempt.Failure = fault(), fault()
	r.settled(s)
	s.Failure.Text, s.Attempt.Failure.Text = "!", "!"
	d := r.stored(l.DeliveryRef)
	d.Failure.Code, d.Attempted[0].Failure.Code = "!", "!"
	d = r.stored(l.DeliveryRef)
	r.same("a failure after the caller modified the settlement and an answer", d.Failure, fault())
	r.same("an attempt's failure after the caller modified the settlement and an answer", d.Attempted[0].Failure, fault())
}
