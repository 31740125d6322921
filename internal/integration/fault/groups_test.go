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
	for place, name := range places {
		to.Addresses[name] = []string{address(group, place)}
	}
	_, err := n.Send(ctx, notify.Message{
		Key: group, To: []notify.Recipient{to}, Channels: places, Dispatcher: dispatcher, Content: notify.Content{Text: "hello"},
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
