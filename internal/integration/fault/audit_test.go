package fault_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store"
)

// openMost is the engine's default limit on the deliveries that a process has called and not yet settled.
const openMost = 100

// An audit compares the accepted messages in the ledger with the calls of the providers and with the message log.
type audit struct {
	accepted  map[string]string            // id by name
	begun     map[string]bool              // names
	calls     map[string][]faulttest.Entry // by delivery
	claims    map[string][]faulttest.Entry // by delivery
	held      map[string]bool              // delivery + claim
	ends      map[int]time.Time            // of processes
	disrupted time.Time                    // since when connections and servers fail, too
	log       map[string]store.MessageRecord
	flags     map[string]bool // by delivery: whether the application sees Duplicate
	faults    []string

	lost, duplicates, flagged int           // duplicates: deliveries that were sent more than once; flagged: deliveries with Duplicate set
	worst                     int           // the most duplicates of one process
	takeover                  time.Duration // the longest
	takeovers                 int
	givenUp                   int
}

func newAudit(es []faulttest.Entry, log []store.MessageRecord, flags map[string]bool) *audit {
	a := &audit{
		flags:    flags,
		accepted: map[string]string{}, begun: map[string]bool{}, calls: map[string][]faulttest.Entry{},
		claims: map[string][]faulttest.Entry{}, held: map[string]bool{}, ends: map[int]time.Time{}, log: map[string]store.MessageRecord{},
	}
	for _, e := range es {
		switch e.Kind {
		case sending:
			a.begun[e.ID] = true
		case accepted:
			a.accepted[e.ID] = e.Text
		case called:
			a.calls[e.ID] = append(a.calls[e.ID], e)
		case claimed:
			a.claims[e.ID] = append(a.claims[e.ID], e)
		case held:
			a.held[e.ID+"/"+e.Text] = true
		case ended:
			pid, _ := strconv.Atoi(e.ID)
			a.ends[pid] = e.At
		case disrupted:
			a.disrupted = e.At
		}
	}
	for _, m := range log {
		a.log[m.Message.ID] = m
	}
	a.checkAccepted()
	a.checkLog()
	a.checkGivenUp()
	a.checkCalls()
	a.checkTakeovers()
	return a
}

func (a *audit) fault(format string, args ...any) {
	a.faults = append(a.faults, fmt.Sprintf(format, args...))
}

// checkAccepted finds messages that were accepted and never sent.
func (a *audit) checkAccepted() {
	for name, id := range a.accepted {
		m, ok := a.log[id]
		switch {
		case !ok:
			a.lost++
			a.fault("%s was accepted as %s, which the log does not have", name, id)
		case len(m.Deliveries) != 1 || m.Deliveries[0].To != name:
			a.fault("%s was accepted as %s, which the log has as something else", name, id)
		case len(a.calls[m.Deliveries[0].DeliveryRef.ID()]) == 0 && m.Deliveries[0].Status != store.Unknown:
			a.lost++
			a.fault("%s was accepted as %s and never sent; it is %s %s", name, id, m.Deliveries[0].Status, m.Deliveries[0].Reason)
		}
	}
}

// checkLog finds unexpected messages and unexpected outcomes in the log.
func (a *audit) checkLog() {
	ids := map[string]string{}
	for _, m := range a.log {
		for _, d := range m.Deliveries {
			if !a.begun[d.To] {
				a.fault("%s is in the log, but no sender sent it", d.To)
			}
			if other := ids[d.To]; other != "" {
				a.fault("%s is in the log twice, as %s and %s", d.To, other, m.Message.ID)
			}
			ids[d.To] = m.Message.ID
			switch {
			case d.Status == store.Sent, d.Status == store.Unknown && m.Message.AtMostOnce:
			case d.Reason == notify.ReasonExhausted && len(a.claims[d.DeliveryRef.ID()]) > maxCrashes:
				a.givenUp++
			default:
				a.fault("%s is %s %s", d.To, d.Status, d.Reason)
			}
		}
	}
}

// checkGivenUp limits the deliveries that were given up after too many crashes during their calls. A few are legitimate.
func (a *audit) checkGivenUp() {
	if limit := 1 + len(a.log)/100; a.givenUp > limit {
		a.fault("%d deliveries were given up after crashes; the limit is %d", a.givenUp, limit)
	}
}

// checkCalls counts duplicates, and finds those that are not flagged.
func (a *audit) checkCalls() {
	byProcess := map[int]int{}
	for _, flag := range a.flags {
		if flag {
			a.flagged++
		}
	}
	for id, calls := range a.calls {
		flag, known := a.flags[id]
		if !known {
			a.fault("delivery %s was sent and is not in the log", id)
		}
		if len(calls) == 1 {
			continue
		}
		a.duplicates++
		if !flag {
			a.fault("delivery %s was sent %d times and is not flagged", id, len(calls))
		}
		if strings.HasPrefix(calls[0].Text, once) {
			a.fault("delivery %s was sent %d times, and is at most once", id, len(calls))
		}
		for _, c := range calls[:len(calls)-1] {
			byProcess[c.PID]++
			a.worst = max(a.worst, byProcess[c.PID])
		}
	}
}

// checkTakeovers measures the time until another process has claimed the deliveries of a killed one, as long as nothing else fails.
func (a *audit) checkTakeovers() {
	for id, claims := range a.claims {
		for i, c := range claims[1:] {
			before := claims[i]
			end, ok := a.ends[before.PID]
			switch {
			case !ok || before.PID == c.PID || end.After(c.At):
			case number(c) != number(before)+1 || a.held[id+"/"+before.Text]:
			case !a.disrupted.IsZero() && c.At.After(a.disrupted):
			default:
				a.takeovers++
				a.takeover = max(a.takeover, c.At.Sub(end))
			}
		}
	}
}

func number(e faulttest.Entry) int {
	n, _ := strconv.Atoi(e.Text)
	return n
}

// require logs the audit, and fails t if there are faults.
func (a *audit) require(t *testing.T, z size) {
	t.Helper()
	total.add(len(a.accepted), a.lost, a.duplicates, a.flagged)
	t.Logf("accepted %d lost %d duplicates %d flagged %d; by one process at most %d; %d takeovers, the longest after %v",
		len(a.accepted), a.lost, a.duplicates, a.flagged, a.worst, a.takeovers, a.takeover.Round(time.Millisecond))
	slices.Sort(a.faults)
	require.Empty(t, strings.Join(a.faults[:min(len(a.faults), 20)], "\n"), "%d faults", len(a.faults))
	require.NotEmpty(t, a.accepted)
	if budget() == 0 {
		require.LessOrEqual(t, a.takeover, z.lease+time.Second, "takeover")
	}
	require.LessOrEqual(t, a.worst, openMost*(1+z.serverKills), "duplicates of one process")
}

// everything returns the whole message log.
func everything(t *testing.T, d store.Deliveries) []store.MessageRecord {
	t.Helper()
	var all []store.MessageRecord
	for cursor := ""; ; {
		page, err := d.ListMessages(t.Context(), store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Cursor: cursor, Limit: 500})
		require.NoError(t, err)
		all = append(all, page.Messages...)
		if cursor = page.Cursor; cursor == "" {
			return all
		}
	}
}

// flags returns the Duplicate flag of every delivery, as the application sees it.
func flags(t *testing.T, d store.Deliveries) map[string]bool {
	t.Helper()
	n, err := notify.New(notify.Config{Store: d, Channels: notify.Channels{"line": &provider{}}})
	require.NoError(t, err)
	flags := map[string]bool{}
	for q := (notify.Query{AnyTenant: true, Limit: 500}); ; {
		page, err := n.Log(t.Context(), q)
		require.NoError(t, err)
		for _, m := range page.Messages {
			for _, o := range m.Deliveries {
				flags[o.ID] = o.Duplicate
			}
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return flags
		}
	}
}
