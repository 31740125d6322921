package store

import (
	"context"
	"time"
)

// Schedules keeps recurring messages.
type Schedules interface {
	// SaveSchedule stores s under its tenant and name, or replaces what is there. If Spec and Zone stay the same, so does NextAt.
	SaveSchedule(ctx context.Context, s Schedule) error
	// DueSchedules returns at most limit schedules whose NextAt has come, the longest due first, and the store's clock.
	// If there are none, next is when one is due; zero if there is none at all.
	DueSchedules(ctx context.Context, limit int) (due []Schedule, now, next time.Time, err error)
	// AdvanceSchedule moves NextAt if it still is from, and reports whether it was.
	AdvanceSchedule(ctx context.Context, tenant, name string, from, to time.Time) (bool, error)
	// DeleteSchedule reports whether there was one.
	DeleteSchedule(ctx context.Context, tenant, name string) (bool, error)
	// ListSchedules returns a tenant's schedules by name.
	ListSchedules(ctx context.Context, tenant string) ([]Schedule, error)
}

// A Schedule is a message that recurs.
type Schedule struct {
	Tenant, Name string
	Spec         string // when: opaque
	Zone         string // IANA name
	NextAt       time.Time
	Body         []byte // opaque: the message
}
