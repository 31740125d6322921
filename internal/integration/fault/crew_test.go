package fault_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store"
)

// workersAtOnce is the number of processes that run the engine.
const workersAtOnce = 4

// A crew holds the processes of one test, their database and their ledger.
type crew struct {
	t        *testing.T
	database *testDB
	size     size
	store    store.Deliveries // a direct connection, without the proxy
	ledger   *faulttest.Ledger
	path     string
	began    time.Time
	watching sync.WaitGroup
	seen     int64 // the offset up to which counts covers the ledger
	counts   map[string]int
	shown    time.Time
}

func newCrew(t *testing.T, d *testDB, z size) *crew {
	t.Helper()
	c := &crew{t: t, database: d, size: z, began: time.Now(), counts: map[string]int{}, path: filepath.Join(t.TempDir(), "ledger")}
	var err error
	c.ledger, err = faulttest.OpenLedger(c.path)
	require.NoError(t, err)
	c.store = d.store(open(t, d.kind, d.source()), nil)
	t.Cleanup(func() {
		c.watching.Wait()
		c.ledger.Close()
		if t.Failed() {
			t.Logf("the end of the log:\n%s", tail(logOf(c.path)))
		}
	})
	return c
}

// start starts a process, and notes its end in the ledger.
func (c *crew) start(role string, s setup, env ...string) *faulttest.Process {
	c.t.Helper()
	program, err := os.Executable()
	require.NoError(c.t, err)
	return c.startProgram(program, role, s, env...)
}

func (c *crew) startProgram(program, role string, s setup, env ...string) *faulttest.Process {
	c.t.Helper()
	s.Kind, s.Ledger, s.Lease = c.database.name, c.path, c.size.lease
	if s.Source == "" {
		s.Source = c.database.source()
	}
	p := faulttest.StartProgram(c.t, program, role, append(env, s.variable(c.t))...)
	c.watch(p)
	return p
}

func (c *crew) restart(p *faulttest.Process, env ...string) {
	c.t.Helper()
	p.Restart(env...)
	c.watch(p)
}

func (c *crew) watch(p *faulttest.Process) {
	pid, over := p.PID(), p.Ended()
	c.watching.Go(func() {
		<-over
		c.note(ended, fmt.Sprint(pid))
	})
}

func (c *crew) note(kind, id string) {
	if err := c.ledger.Note(faulttest.Entry{Kind: kind, ID: id}); err != nil {
		c.t.Error(err)
	}
}

// count reads the new entries of the ledger and returns the number of entries of a kind.
func (c *crew) count(kind string) int {
	c.t.Helper()
	es, next, err := c.ledger.Read(c.seen)
	require.NoError(c.t, err)
	c.seen = next
	for _, e := range es {
		c.counts[e.Kind]++
	}
	return c.counts[kind]
}

// show logs the progress, at most every two seconds.
func (c *crew) show(format string, args ...any) {
	if time.Since(c.shown) < 2*time.Second {
		return
	}
	c.shown = time.Now()
	c.t.Logf("%3.0fs accepted %d called %d, %s", time.Since(c.began).Seconds(), c.count(accepted), c.count(called), fmt.Sprintf(format, args...))
}

// left returns the number of unsettled deliveries, or -1 if the store fails.
func (c *crew) left(ctx context.Context) (n int) {
	counts, err := c.store.CountDeliveries(ctx, store.CountQuery{})
	if err != nil {
		return -1
	}
	for _, lane := range counts {
		n += lane.Due + lane.Later
	}
	return n
}

// drain waits until all deliveries are settled. If that takes longer than limit, it dumps the workers and fails the test.
func (c *crew) drain(limit time.Duration, workers ...*faulttest.Process) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), limit)
	defer cancel()
	left := -1
	for left != 0 && pause(ctx, 100*time.Millisecond) {
		left = c.left(ctx)
		c.show("%d left", left)
	}
	if left != 0 {
		c.dump(workers...)
	}
	require.Zero(c.t, left, "unsettled deliveries after %v", limit)
}

// dump ends processes that hang, and logs their goroutines.
func (c *crew) dump(workers ...*faulttest.Process) {
	now, cancel := context.WithCancel(c.t.Context())
	cancel()
	for _, p := range workers {
		c.t.Log(p.Stop(now))
	}
}

// stop stops a process as an operator does.
func (c *crew) stop(p *faulttest.Process) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	require.NoError(c.t, p.Stop(ctx))
}

// audit audits the whole ledger and the whole log. Call it once all is settled.
func (c *crew) audit() *audit {
	c.t.Helper()
	es, _, err := c.ledger.Read(0)
	require.NoError(c.t, err)
	return newAudit(es, everything(c.t, c.store), flags(c.t, c.store))
}
