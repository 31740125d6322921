package fault_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store"
)

// A groupAudit compares the outcomes of groups with their fates.
type groupAudit struct {
	entries  []faulttest.Entry
	called   map[string]bool              // addresses
	calls    map[string][]call            // by group
	claims   map[string]int               // by delivery
	receipts map[string][]faulttest.Entry // by group
	faults   []string

	givenUp int
}

// A call is an entry of kind asked, with its claim.
type call struct {
	faulttest.Entry
	claimed time.Time // the start of the claim
}

func auditGroups(es []faulttest.Entry, log []store.MessageRecord, count int) []string {
	a := &groupAudit{
		entries: es, called: map[string]bool{}, calls: map[string][]call{}, claims: map[string]int{}, receipts: map[string][]faulttest.Entry{},
	}
	type claim struct { // a process notes a claim when the store has answered, and so before the call
		delivery string
		pid      int
	}
	last := map[claim]time.Time{}
	for _, e := range es {
		switch e.Kind {
		case called:
			a.called[e.Text] = true
		case asked:
			a.calls[groupOf(e.Text)] = append(a.calls[groupOf(e.Text)], call{e, last[claim{e.ID, e.PID}]})
		case claimed:
			a.claims[e.ID]++
			last[claim{e.ID, e.PID}] = e.At
		case receipt:
			a.receipts[groupOf(e.Text)] = append(a.receipts[groupOf(e.Text)], e)
		}
	}
	if len(log) != count*len(dispatchers) {
		a.fault("%d groups are in the log instead of %d", len(log), count*len(dispatchers))
	}
	for _, m := range log {
		a.group(m)
	}
	if limit := 1 + len(log)/20; a.givenUp > limit {
		a.fault("%d deliveries were given up in spite of their fate; the limit is %d", a.givenUp, limit)
	}
	slices.Sort(a.faults)
	return a.faults
}

func (a *groupAudit) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

func (a *groupAudit) group(m store.MessageRecord) {
	for _, d := range m.Deliveries {
		if a.gaveUp(d) {
			a.givenUp++
		}
		if !d.Status.Settled() {
			a.fault("%s is not settled: it is %s %s", d.To, d.Status, d.Reason)
		}
	}
	switch m.Message.Dispatcher {
	case first:
		a.first(m)
	case told, hasty:
		a.delivered(m)
	case escalate:
		a.escalated(m)
	}
}

// first checks that the first address to which sending can succeed, and no other, is sent to.
func (a *groupAudit) first(m store.MessageRecord) {
	won := false
	for _, d := range m.Deliveries {
		if a.gaveUp(d) {
			continue // the provider may have it or not
		}
		wins := !won && fateOf(d.To).goesOut()
		won = won || wins
		if wins != d.Status.Reaches(store.Sent) {
			a.fault("%s, which is %s, is %s %s; should it be sent? %v", d.To, fateOf(d.To).call, d.Status, d.Reason, wins)
		}
		if wins != a.called[d.To] {
			a.fault("%s, which is %s: did its provider take it? %v; should it? %v", d.To, fateOf(d.To).call, a.called[d.To], wins)
		}
	}
}

// delivered checks that a group has a delivered message if one is possible, and starts nothing after the receipt. Without a timeout
// between the steps, there must not be a second delivered message.
func (a *groupAudit) delivered(m store.MessageRecord) {
	can, was := false, 0
	for _, d := range m.Deliveries {
		f := fateOf(d.To)
		can = can || f.goesOut() && f.event == channel.Delivered && !a.gaveUp(d)
		if d.Status.Reaches(store.Delivered) {
			was++
		}
	}
	group := groupOf(m.Deliveries[0].To)
	if can && was == 0 {
		a.fault("%s has nothing delivered, and could have: %s", group, statuses(m))
	}
	if was > 1 && m.Message.Dispatcher == told {
		a.fault("%s has %d delivered messages", group, was)
	}
	a.nothingAfter(group, channel.Delivered)
}

// escalated checks that all channels are tried until a message is read, and none after that.
func (a *groupAudit) escalated(m store.MessageRecord) {
	read := slices.ContainsFunc(m.Deliveries, func(d store.Delivery) bool { return d.Status == store.Read })
	group := groupOf(m.Deliveries[0].To)
	for _, d := range m.Deliveries {
		if !read && fateOf(d.To).goesOut() && !a.called[d.To] && !a.gaveUp(d) {
			a.fault("%s was not tried, and nothing was read: %s", d.To, statuses(m))
		}
	}
	a.nothingAfter(group, channel.Read)
}

// maxCrashes is the number of crashes during a call after which the engine gives a delivery up, because the delivery may be the cause.
const maxCrashes = 8

// gaveUp reports whether d was given up in spite of its fate: it was in flight in too many crashes, or the machine was so busy that a
// call overran its deadline.
func (a *groupAudit) gaveUp(d store.Delivery) bool {
	switch {
	case d.Status != store.Unknown || d.Failure == nil || fateOf(d.To).call == deaf:
		return false
	case d.Reason == notify.ReasonExhausted:
		return a.claims[d.DeliveryRef.ID()] > maxCrashes
	}
	return strings.Contains(d.Failure.Text, "ignores its deadline")
}

// nothingAfter checks that a group has no call whose claim began after a receipt of the event was stored.
func (a *groupAudit) nothingAfter(group string, event channel.Event) {
	for _, r := range a.receipts[group] {
		if fateOf(r.Text).event != event {
			continue
		}
		for _, c := range a.calls[group] {
			if c.claimed.After(r.At) {
				a.fault("%s was claimed %v after %s was %s\n%s", c.Text, c.claimed.Sub(r.At), r.Text, event, a.history(group))
			}
		}
	}
}

// history lists the entries about a group by time.
func (a *groupAudit) history(group string) string {
	var es []faulttest.Entry
	for _, e := range a.entries {
		if strings.HasPrefix(e.Text, group+"/") || slices.ContainsFunc(a.calls[group], func(c call) bool { return c.ID == e.ID }) {
			es = append(es, e)
		}
	}
	slices.SortStableFunc(es, func(x, y faulttest.Entry) int { return x.At.Compare(y.At) })
	var b strings.Builder
	for _, e := range es {
		fmt.Fprintf(&b, "\t%v pid %d %s %s %s\n", e.At.Sub(es[0].At), e.PID, e.Kind, e.ID, e.Text)
	}
	return b.String()
}

func statuses(m store.MessageRecord) string {
	var all []string
	for _, d := range m.Deliveries {
		f := fateOf(d.To)
		all = append(all, fmt.Sprintf("%s+%s=%s %s", f.call, f.event, d.Status, d.Reason))
	}
	return strings.Join(all, ", ")
}
