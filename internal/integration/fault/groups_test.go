package fault_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/internal/faulttest"
)

// dispatchers are the dispatchers under test.
var dispatchers = []string{first, told, hasty, escalate}

// quietLimit is the maximum time without progress, while groups are unsettled and no process is killed. It is shorter than the lease, so
// that a forgotten lease is detected, and longer than the timeouts of the dispatchers.
const quietLimit = 3 * time.Second

func testGroups(t *testing.T, k kind, server *faulttest.Server) {
	z := sizeOf()
	t.Run("while nobody dies", func(t *testing.T) {
		z.lease = 15 * time.Second
		faults := runGroups(t, newTestDB(t, k, server), z, 0, "")
		require.Empty(t, strings.Join(faults[:min(len(faults), 20)], "\n"), "%d faults", len(faults))
	})
	t.Run("in a storm", func(t *testing.T) {
		z.lease = time.Second
		faults := runGroups(t, newTestDB(t, k, server), z, z.kills, "")
		require.Empty(t, strings.Join(faults[:min(len(faults), 20)], "\n"), "%d faults", len(faults))
	})
}

// runGroups sends groups with every dispatcher, kills processes in the meantime, and returns the faults. broken is the rule to break, or
// "".
func runGroups(t *testing.T, d *testDB, z size, kills int, broken string) []string {
	t.Helper()
	c := newCrew(t, d, z)
	deadlocks := deadlocksOf(t, d)
	s := setup{Groups: true, Broken: broken}
	post := c.start("postman", s)
	var workers []*faulttest.Process
	for range workersAtOnce {
		workers = append(workers, c.start("worker", s))
	}
	send := c.groups(z.groups)
	for i := range kills {
		send(z.groups * i / kills)
		pause(t.Context(), 400*time.Millisecond+rand.N(200*time.Millisecond)) // so that no delivery is in flight in too many crashes
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
	faults := c.await(quietLimit + time.Duration(min(kills, 1))*2*z.lease)
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
	faults = append(faults, auditGroups(es, everything(t, c.store), z.groups)...)
	if n := deadlocksOf(t, d) - deadlocks; n != 0 {
		faults = append(faults, fmt.Sprintf("%d deadlocks", n))
		if broken == "" && d.server != nil {
			t.Logf("the server's log:\n%s", deadlockIn(d.server.Log()))
		}
	}
	return faults
}

// groups returns a function that sends further groups with each dispatcher, up to the given number and to count at most.
func (c *crew) groups(count int) (send func(until int)) {
	c.t.Helper()
	b := &child{}
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
				sending.Go(func() { // concurrently, so that the engine stores them in batches
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
	for place, name := range places {
		to.Addresses[name] = []string{address(group, place)}
	}
	_, err := n.Send(ctx, notify.Message{
		Key: group, To: []notify.Recipient{to}, Channels: places, Dispatcher: dispatcher, Content: notify.Content{Text: "hello"},
	})
	return err
}

// await waits until all deliveries are settled. If there is no progress for the time quiet, it returns a fault.
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

// awaitReceipts waits until the postman has delivered all receipts.
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
