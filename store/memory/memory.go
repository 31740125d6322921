// Package memory keeps deliveries in the memory of one process: the reference implementation of the ports in package store, for tests,
// for development, and for hosts that may lose what is under way when they stop.
//
// Its clock is [time.Now], so that it works in a bubble of testing/synctest.
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

// A Store implements all ports of package store. Its methods may be called by many goroutines at once.
type Store struct {
	mu           sync.Mutex
	messages     map[string]*message
	keys         map[key]*message
	order        []*message // by id
	lanes        map[store.Lane]*lane
	providers    map[provided]*delivery
	accepted     int64 // deliveries so far
	schedules    map[key]store.Schedule
	pauses       map[string]store.Pause
	suppressions map[deadKey]store.Reason // their reasons
}

// A key is a name that is unique within a tenant.
type key struct{ tenant, name string }

// New returns an empty Store.
func New() *Store {
	return &Store{
		messages:     map[string]*message{},
		keys:         map[key]*message{},
		lanes:        map[store.Lane]*lane{},
		providers:    map[provided]*delivery{},
		schedules:    map[key]store.Schedule{},
		pauses:       map[string]store.Pause{},
		suppressions: map[deadKey]store.Reason{},
	}
}

// lock locks s, unless ctx has ended, and returns the time of all that happens until it is unlocked.
func (s *Store) lock(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	s.mu.Lock()
	return instant(time.Now()), nil
}

// instant returns t as stores keep it.
func instant(t time.Time) time.Time { return t.Truncate(time.Microsecond).UTC() }
