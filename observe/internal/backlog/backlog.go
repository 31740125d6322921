// Package backlog asks a store what it has left to do, for those who publish it.
package backlog

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// timeout is how long the store may take to count. It is less than what Prometheus gives a whole scrape.
const timeout = 5 * time.Second

// A Counter counts by lane, at most once in a while, however often it is asked. Its methods may be called by many goroutines at once.
type Counter struct {
	store store.Deliveries
	every time.Duration

	mu    sync.Mutex
	at    time.Time // of the last answer, good or bad
	lanes map[store.Lane]store.LaneCount
	err   error
}

// New returns a Counter that asks s at most once in every.
func New(s store.Deliveries, every time.Duration) *Counter {
	return &Counter{store: s, every: every, lanes: make(map[store.Lane]store.LaneCount)}
}

// Lanes returns the count of each lane that had something to do since c was made, by the lanes' names: a lane that is empty now is
// counted as 0, so that its curve falls instead of ending. It returns what was counted a while ago, or the error of then, if that is
// not long ago.
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

// Age returns how long the longest due delivery of a lane has been due; zero if none is.
func Age(c store.LaneCount, now time.Time) time.Duration {
	if c.Oldest.IsZero() {
		return 0
	}
	return max(0, now.Sub(c.Oldest)) // the clocks of the store and of this process may differ
}
