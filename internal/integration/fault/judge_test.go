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

// A judge compares what became of groups with their fates.
type judge struct {
	called   map[string]bool              // addresses
	asked    map[string][]faulttest.Entry // by group
	claims   map[string][]faulttest.Entry // by delivery
	receipts map[string][]faulttest.Entry // by group
	faults   []string

	condemned int
}

func judgeGroups(es []faulttest.Entry, log []store.MessageRecord, count int) []string {
	j := &judge{
		called: map[string]bool{}, asked: map[string][]faulttest.Entry{}, claims: map[string][]faulttest.Entry{},
		receipts: map[string][]faulttest.Entry{},
	}
	for _, e := range es {
		switch e.Kind {
		case called:
			j.called[e.Text] = true
		case asked:
			j.asked[groupOf(e.Text)] = append(j.asked[groupOf(e.Text)], e)
		case claimed:
			j.claims[e.ID] = append(j.claims[e.ID], e)
		case receipt:
			j.receipts[groupOf(e.Text)] = append(j.receipts[groupOf(e.Text)], e)
		}
	}
	if len(log) != count*len(dispatchers) {
		j.fault("%d groups are in the log instead of %d", len(log), count*len(dispatchers))
	}
	for _, m := range log {
		j.group(m)
	}
	if limit := 1 + len(log)/20; j.condemned > limit {
		j.fault("%d deliveries were given up for another reason than their fate, and %d may be", j.condemned, limit)
	}
	slices.Sort(j.faults)
	return j.faults
}

func (j *judge) fault(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

func (j *judge) group(m store.MessageRecord) {
	for _, d := range m.Deliveries {
		if j.isCondemned(d) {
			j.condemned++
		}
		if !d.Status.Settled() {
			j.fault("%s waits: it is %s %s", d.To, d.Status, d.Reason)
		}
	}
	switch m.Message.Dispatcher {
	case first:
		j.first(m)
	case told, hasty:
		j.delivered(m)
	case escalate:
		j.escalated(m)
	}
}

// first wants the first address that can be sent to, and no other, to get it.
func (j *judge) first(m store.MessageRecord) {
	won := false
	for _, d := range m.Deliveries {
		if j.isCondemned(d) {
			continue // its provider may have taken it
		}
		wins := !won && fateOf(d.To).goesOut()
		won = won || wins
		if wins != d.Status.Reaches(store.Sent) {
			j.fault("%s, which is %s, is %s %s; should it be sent? %v", d.To, fateOf(d.To).call, d.Status, d.Reason, wins)
		}
		if wins != j.called[d.To] {
			j.fault("%s, which is %s: did its provider take it? %v; should it? %v", d.To, fateOf(d.To).call, j.called[d.To], wins)
		}
	}
}

// delivered wants somebody to be told if anybody can be, and nothing more to be begun then. If time moves nothing on, nobody is told
// twice.
func (j *judge) delivered(m store.MessageRecord) {
	can, was := false, 0
	for _, d := range m.Deliveries {
		f := fateOf(d.To)
		can = can || f.goesOut() && f.event == channel.Delivered && !j.isCondemned(d)
		if d.Status.Reaches(store.Delivered) {
			was++
		}
	}
	group := groupOf(m.Deliveries[0].To)
	if can && was == 0 {
		j.fault("%s was not told, and could be: %s", group, statuses(m))
	}
	if was > 1 && m.Message.Dispatcher == told {
		j.fault("%s was told %d times", group, was)
	}
	j.nothingAfter(group, channel.Delivered)
}

// escalated wants every channel to be tried until one is read, and none after that.
func (j *judge) escalated(m store.MessageRecord) {
	read := slices.ContainsFunc(m.Deliveries, func(d store.Delivery) bool { return d.Status == store.Read })
	group := groupOf(m.Deliveries[0].To)
	for _, d := range m.Deliveries {
		if !read && fateOf(d.To).goesOut() && !j.called[d.To] && !j.isCondemned(d) {
			j.fault("%s was not tried, and nothing was read: %s", d.To, statuses(m))
		}
	}
	j.nothingAfter(group, channel.Read)
}

// deaths is from how many calls that processes did not survive the engine gives a delivery up: it may be what kills.
const deaths = 8

// isCondemned reports whether d was given up for another reason than its fate: it was under way at too many deaths, or the machine was
// so busy that its provider seemed deaf.
func (j *judge) isCondemned(d store.Delivery) bool {
	switch {
	case d.Status != store.Unknown || d.Failure == nil || fateOf(d.To).call == deaf:
		return false
	case d.Reason == notify.ReasonExhausted:
		return len(j.claims[idOf(d.DeliveryRef)]) > deaths
	}
	return strings.Contains(d.Failure.Text, "ignores its deadline")
}

// nothingAfter wants no call of a group whose claim began after a receipt of an event was durable.
func (j *judge) nothingAfter(group string, event channel.Event) {
	for _, r := range j.receipts[group] {
		if fateOf(r.Text).event != event {
			continue
		}
		for _, e := range j.asked[group] {
			if at := j.claimOf(e); at.After(r.At) {
				j.fault("%s was claimed %v after %s was %s", e.Text, at.Sub(r.At), r.Text, event)
			}
		}
	}
}

// claimOf returns when the claim began that a call was made under.
func (j *judge) claimOf(call faulttest.Entry) (at time.Time) {
	for _, c := range j.claims[call.ID] {
		if c.PID == call.PID && c.At.Before(call.At) {
			at = c.At
		}
	}
	return at
}

func statuses(m store.MessageRecord) string {
	var all []string
	for _, d := range m.Deliveries {
		f := fateOf(d.To)
		all = append(all, fmt.Sprintf("%s+%s=%s %s", f.call, f.event, d.Status, d.Reason))
	}
	return strings.Join(all, ", ")
}
