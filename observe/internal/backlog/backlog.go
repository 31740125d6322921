// Package backlog counts the unsettled deliveries in a store, for the packages that export metrics.
package backlog

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// timeout limits one count. It is shorter than Prometheus's default timeout for a whole scrape, 10 s.
const timeout = 5 * time.Second

// A Counter counts deliveries by lane, at most once in an interval. All methods are safe for concurrent use.
type Counter struct {
	store store.Deliveries
	every time.Duration

	mu    sync.Mutex
	at    time.Time // of the last count or error
	lanes map[store.Lane]store.LaneCount
	err   error
}

// New returns a Counter that queries s at most once in every.
func New(s store.Deliveries, every time.Duration) *Counter {
	return &Counter{store: s, every: every, lanes: make(map[store.Lane]store.LaneCount)}
}

// Lanes returns the counts of all lanes that had a delivery at any time since New, sorted by name. A lane that is empty now has
// zero counts, so that its curve falls instead of ending. Within the interval, Lanes returns the last counts or the last error.
func (c *Counter) Lanes(ctx context.Context) ([]store.LaneCount, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() || time.Since(c.at) >= c.every {
		c.err = c.count(ctx)
		c.at = time.Now()
	}
	if c.err != nil {
		return nil, c.err
	}
	lanes := make([]store.LaneCount, 0, len(c.lanes))
	for _, name := range slices.Sorted(maps.Keys(c.lanes)) {
		lanes = append(lanes, c.lanes[name])
	}
	return lanes, nil
}

func (c *Counter) count(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	counts, err := c.store.CountDeliveries(ctx, store.CountQuery{})
	if err != nil {
		return err
	}
	for name := range c.lanes {
		c.lanes[name] = store.LaneCount{Lane: name}
	}
	for _, count := range counts {
		c.lanes[count.Lane] = count
	}
	return nil
}

// Age returns the time since the oldest due delivery of a lane became due, or zero if none is due.
func Age(c store.LaneCount, now time.Time) time.Duration {
	if c.Oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(c.Oldest)) // the clocks of the store and of this process may differ
}
