package fault_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/internal/faulttest"
)

const drainKills = 4

// testDrain kills workers while they drain a backlog at full speed, when each has as many deliveries in flight as the limits permit.
func testDrain(t *testing.T, k kind, server *faulttest.Server) {
	z := sizeOf()
	c := newCrew(t, newTestDB(t, k, server), z)
	c.accept(z.backlog)
	var workers []*faulttest.Process
	for range workersAtOnce / 2 {
		workers = append(workers, c.start("worker", setup{}))
	}
	for i := range drainKills {
		enough, end := (i+1)*z.backlog/(drainKills+1), time.Now().Add(time.Minute)
		for c.count(called) < enough && time.Now().Before(end) && pause(t.Context(), time.Millisecond) {
			c.show("%d kills", i)
		}
		if c.count(called) < enough {
			c.dump(workers...)
			t.Fatalf("only %d of %d were called within a minute", c.count(called), enough)
		}
		p := workers[i%len(workers)]
		p.Kill()
		c.restart(p)
	}
	behind := 3*z.lease + 30*time.Second // the deliveries of a killed process come due behind the backlog
	c.drain(behind, workers...)
	for _, p := range workers {
		c.stop(p)
	}
	a := c.audit()
	z.lease = behind
	a.require(t, z)
	require.LessOrEqual(t, a.worst, openMost, "duplicates of one process")
}

// accept sends count messages, and notes them in the ledger.
func (c *crew) accept(count int) {
	c.t.Helper()
	b := &child{ledger: c.ledger, bomb: faulttest.NewBomb()}
	n, err := notify.New(notify.Config{Store: c.store, Channels: notify.Channels{"line": &provider{b}}})
	require.NoError(c.t, err)
	var sending sync.WaitGroup
	for i := range 16 {
		sending.Go(func() {
			for j := i; j < count; j += 16 {
				b.send(c.t.Context(), n, fmt.Sprintf("%s%d", plain, j))
			}
		})
	}
	sending.Wait()
}
