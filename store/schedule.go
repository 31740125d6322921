package store

import (
	"context"
	"time"
)

// Schedules stores recurring messages.
type Schedules interface {
	// SaveSchedule stores s, and replaces a schedule with the same tenant and name. If Spec and Zone are those of the replaced
	// schedule, NextAt keeps the stored value.
	SaveSchedule(ctx context.Context, s Schedule) error
	// DueSchedules returns the schedules whose NextAt has come, at most limit, the longest due first, and the store's clock. If none
	// is due, next is the earliest NextAt, or zero if there are no schedules.
	DueSchedules(ctx context.Context, limit int) (due []Schedule, now, next time.Time, err error)
	// AdvanceSchedule is a compare-and-swap of NextAt, from one time to another. It reports whether it succeeded.
	AdvanceSchedule(ctx context.Context, tenant, name string, from, to time.Time) (bool, error)
	// DeleteSchedule deletes a schedule, and reports whether there was one.
	DeleteSchedule(ctx context.Context, tenant, name string) (bool, error)
	// ListSchedules returns the schedules of a tenant, sorted by name.
	ListSchedules(ctx context.Context, tenant string) ([]Schedule, error)
}

// A Schedule is a recurring message, with a Name that is unique within the Tenant.
type Schedule struct {
	Tenant, Name string
	Spec         string // opaque: the times of recurrence
	Zone         string // an IANA time zone name
	NextAt       time.Time
	Body         []byte // opaque: the message
}
