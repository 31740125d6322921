package fault_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/faulttest"
)

// dispatchers are those under test.
var dispatchers = []string{first, told, hasty, escalate}

// patience is how long nothing at all may happen, when nobody dies, while groups are left: less than the lease, so that what is left
// leased shows, and more than what a dispatcher waits.
const patience = 3 * time.Second

func testGroups(t *testing.T, k kind, server *faulttest.Server) {
	z := sizeOf()
	t.Run("while nobody dies", func(t *testing.T) {
		z.lease = 15 * time.Second
		faults := runGroups(t, newHome(t, k, server), z, 0, "")
		require.Empty(t, strings.Join(faults[:min(len(faults), 20)], "\n"), "%d faults", len(faults))
	})
	t.Run("in a storm", func(t *testing.T) {
		z.lease = time.Second
		faults := runGroups(t, newHome(t, k, server), z, z.kills, "")
		require.Empty(t, strings.Join(faults[:min(len(faults), 20)], "\n"), "%d faults", len(faults))
	})
}

// runGroups sends groups under every dispatcher, with so many kills meanwhile and perhaps a broken rule, and returns what went wrong.
func runGroups(t *testing.T, h *home, z size, kills int, broken string) []string {
	t.Helper()
	c := newCrew(t, h, z)
	deadlocks := deadlocksOf(t, h)
	s := setup{Groups: true, Broken: broken}
	post := c.start("postman", s)
	var workers []*faulttest.Process
	for range workersAtOnce {
		workers = append(workers, c.start("worker", s))
	}
	send := c.groups(z.groups)
	for i := range kills {
		send(z.groups * i / kills)
		pause(t.Context(), 400*time.Millisecond+rand.N(200*time.Millisecond)) // or the same delivery might meet too many deaths
		if i%5 == 4 {
			post.Kill()
			c.restart(post)
		}
		p := workers[i%len(workers)]
		p.Kill()
		bomb := faulttest.BombAt("", 0)
		if i < kills-len(workers) && rand.N(2) == 0 {
			bomb = faulttest.BombAt(bombs[rand.N(len(bombs))], 1+rand.N(10))
		}
		c.restart(p, bomb)
		c.show("%d kills", i+1)
	}
	send(z.groups)
	began := time.Now()
	faults := c.await(patience + time.Duration(min(kills, 1))*2*z.lease)
	t.Logf("%d groups, settled after %v", z.groups*len(dispatchers), time.Since(began).Round(10*time.Millisecond))
	if len(faults) == 0 {
		c.awaitReceipts()
	}
	for _, p := range workers {
		c.stop(p)
	}
	c.stop(post)
	es, _, err := c.ledger.Read(0)
	require.NoError(t, err)
	faults = append(faults, judgeGroups(es, everything(t, c.store), z.groups)...)
	if n := deadlocksOf(t, h) - deadlocks; n != 0 {
		faults = append(faults, fmt.Sprintf("%d deadlocks", n))
		if broken == "" && h.server != nil {
			t.Logf("the server's log:\n%s", deadlockIn(h.server.Log()))
		}
	}
	return faults
}

// groups returns what sends groups for each dispatcher until there are so many of count.
func (c *crew) groups(count int) (send func(until int)) {
	c.t.Helper()
	b := &bench{}
	config := notify.Config{Store: c.store}
	b.groups(&config)
	n, err := notify.New(config)
	require.NoError(c.t, err)
	sent := 0
	return func(until int) {
		var sending sync.WaitGroup
		for ; sent < min(until, count); sent++ {
			for _, d := range dispatchers {
				group := fmt.Sprintf("%s-%d", d, sent)
				sending.Go(func() { // all at once: the store takes them in together
					if err := sendGroup(c.t.Context(), n, d, group); err != nil {
						c.t.Error(err)
					}
				})
			}
		}
		sending.Wait()
	}
}

func sendGroup(ctx context.Context, n *notify.Notifier, dispatcher, group string) error {
	to := notify.Recipient{ID: group, Addresses: map[string][]string{}}
	for rank, name := range ranks {
		to.Addresses[name] = []string{address(group, rank)}
	}
	_, err := n.Send(ctx, notify.Message{
		Key: group, To: []notify.Recipient{to}, Channels: ranks, Dispatcher: dispatcher, Content: notify.Content{Text: "hello"},
	})
	return err
}

// await waits until all is settled, or returns how much is not when nothing was for so long.
func (c *crew) await(quiet time.Duration) []string {
	c.t.Helper()
	last, changed := -1, time.Now()
	for time.Since(changed) < quiet && pause(c.t.Context(), 50*time.Millisecond) {
		left := c.left(c.t.Context())
		if left == 0 {
			return nil
		}
		if left != last {
			last, changed = left, time.Now()
		}
		c.show("%d left", left)
	}
	return []string{fmt.Sprintf("%d deliveries still wait, and nothing has happened for %v", last, quiet)}
}

// awaitReceipts waits until the postman has brought all.
func (c *crew) awaitReceipts() {
	c.t.Helper()
	missing := map[string]bool{}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && pause(c.t.Context(), 50*time.Millisecond); {
		es, _, err := c.ledger.Read(0)
		require.NoError(c.t, err)
		clear(missing)
		for _, e := range es {
			if e.Kind == called && fateOf(e.Text).event != "" {
				missing[e.ID] = true
			}
		}
		for _, e := range es {
			if e.Kind == receipt {
				delete(missing, e.ID)
			}
		}
		if len(missing) == 0 {
			return
		}
	}
	require.Empty(c.t, missing, "receipts that did not arrive")
}

// deadlockIn returns the first deadlock in a server's log.
func deadlockIn(log string) string {
	if at := strings.Index(log, "deadlock"); at >= 0 {
		log = log[at:]
	}
	return log[:min(len(log), 4<<10)]
}

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

// deaths is from how many leases that ran out on a delivery that was being called the engine gives it up: it may be what kills.
const deaths = 5

// isCondemned reports whether d was given up for another reason than its fate: it was under way at too many deaths, or the machine was
// so busy that its provider seemed deaf.
func (j *judge) isCondemned(d store.Delivery) bool {
	switch {
	case d.Status != store.Unknown || d.Failure == nil || fateOf(d.To).call == deaf:
		return false
	case d.Reason == string(notify.ReasonExhausted):
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
