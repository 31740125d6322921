// Package memory is a store in the memory of one process, and the reference implementation of the ports in package store. It suits tests,
// development, and hosts that may lose unfinished deliveries when they stop.
//
// The store's clock is [time.Now], so that the package works in a bubble of testing/synctest.
package memory

import (
	"context"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/store"
)

var (
	_ store.Deliveries   = (*Store)(nil)
	_ store.Schedules    = (*Store)(nil)
	_ store.Pauses       = (*Store)(nil)
	_ store.Suppressions = (*Store)(nil)
)

// A Store implements all ports of package store. It is safe for concurrent use.
type Store struct {
	mu           sync.Mutex
	messages     map[string]*message
	keys         map[key]*message
	order        []*message // sorted by id
	lanes        map[store.Lane]*lane
	providers    map[providerID]*delivery
	accepted     int64 // the number of deliveries ever accepted
	schedules    map[key]store.Schedule
	pauses       map[string]store.Pause
	suppressions map[suppressionKey]store.Reason
}

// A key is a name that is unique within a tenant.
type key struct{ tenant, name string }

// New returns an empty Store.
func New() *Store {
	return &Store{
		messages:     map[string]*message{},
		keys:         map[key]*message{},
		lanes:        map[store.Lane]*lane{},
		providers:    map[providerID]*delivery{},
		schedules:    map[key]store.Schedule{},
		pauses:       map[string]store.Pause{},
		suppressions: map[suppressionKey]store.Reason{},
	}
}

// lock locks s, unless ctx is done, and returns the time of everything that happens under the lock.
func (s *Store) lock(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	s.mu.Lock()
	return instant(time.Now()), nil
}

// instant returns t in UTC and in whole microseconds, as the contract demands.
func instant(t time.Time) time.Time { return t.Truncate(time.Microsecond).UTC() }
