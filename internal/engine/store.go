package engine

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// storeTimeout bounds the engine's own calls of the store; acceptTimeout those that accept messages.
const storeTimeout, acceptTimeout = 10 * time.Second, 15 * time.Second

// A Store is the host's store behind a guard: a panic is an error. Methods of an optional port must not be called unless the host's store has
// that port.
type Store interface {
	store.Deliveries
	store.Schedules
	store.Pauses
	store.Suppressions
	HasSchedules() bool
	HasPauses() bool
	HasSuppressions() bool
}

// guarded is a [Store] whose calls have a time limit beside that of their context.
type guarded struct {
	guard Guard
	limit time.Duration // 0: none

	deliveries   store.Deliveries
	schedules    store.Schedules
	pauses       store.Pauses
	suppressions store.Suppressions
}

func newStore(s store.Deliveries, g Guard) *guarded {
	st := &guarded{guard: g, limit: storeTimeout, deliveries: s}
	st.schedules, _ = s.(store.Schedules)
	st.pauses, _ = s.(store.Pauses)
	st.suppressions, _ = s.(store.Suppressions)
	return st
}

// within returns s with another time limit; 0 is none.
func (s *guarded) within(limit time.Duration) *guarded {
	other := *s
	other.limit = limit
	return &other
}

// call calls f under the guard and the time limit.
func (s *guarded) call(ctx context.Context, f func(ctx context.Context) error) (err error) {
	if s.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.limit)
		defer cancel()
	}
	if crash := s.guard.Do("store", func() { err = f(ctx) }); crash != nil {
		return crash
	}
	return err
}

// ask is call for an f with a result.
func ask[T any](ctx context.Context, s *guarded, f func(ctx context.Context) (T, error)) (v T, err error) {
	err = s.call(ctx, func(ctx context.Context) (err error) {
		v, err = f(ctx)
		return err
	})
	return v, err
}

func (s *guarded) HasSchedules() bool    { return s.schedules != nil }
func (s *guarded) HasPauses() bool       { return s.pauses != nil }
func (s *guarded) HasSuppressions() bool { return s.suppressions != nil }

func (s *guarded) AcceptMessages(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
	return ask(ctx, s, func(ctx context.Context) ([]store.Acceptance, error) { return s.deliveries.AcceptMessages(ctx, ms) })
}

func (s *guarded) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	return ask(ctx, s, func(ctx context.Context) (store.Leases, error) { return s.deliveries.LeaseDeliveries(ctx, r) })
}

func (s *guarded) SettleDeliveries(ctx context.Context, ss []store.Settlement) (lost []store.DeliveryRef, err error) {
	return ask(ctx, s, func(ctx context.Context) ([]store.DeliveryRef, error) { return s.deliveries.SettleDeliveries(ctx, ss) })
}

func (s *guarded) ExtendLeases(ctx context.Context, es []store.Extension, d time.Duration) (lost []store.DeliveryRef, err error) {
	return ask(ctx, s, func(ctx context.Context) ([]store.DeliveryRef, error) { return s.deliveries.ExtendLeases(ctx, es, d) })
}

func (s *guarded) RecordReceipts(ctx context.Context, rs []store.Receipt) (unmatched []store.Receipt, err error) {
	return ask(ctx, s, func(ctx context.Context) ([]store.Receipt, error) { return s.deliveries.RecordReceipts(ctx, rs) })
}

func (s *guarded) ChangeDeliveries(ctx context.Context, c store.Change) (store.Changed, error) {
	return ask(ctx, s, func(ctx context.Context) (store.Changed, error) { return s.deliveries.ChangeDeliveries(ctx, c) })
}

func (s *guarded) ListMessages(ctx context.Context, q store.MessageQuery) (store.MessagePage, error) {
	return ask(ctx, s, func(ctx context.Context) (store.MessagePage, error) { return s.deliveries.ListMessages(ctx, q) })
}

func (s *guarded) CountDeliveries(ctx context.Context, q store.CountQuery) ([]store.LaneCount, error) {
	return ask(ctx, s, func(ctx context.Context) ([]store.LaneCount, error) { return s.deliveries.CountDeliveries(ctx, q) })
}

func (s *guarded) PruneMessages(ctx context.Context, before time.Time, limit int) (int, error) {
	return ask(ctx, s, func(ctx context.Context) (int, error) { return s.deliveries.PruneMessages(ctx, before, limit) })
}

func (s *guarded) SaveSchedule(ctx context.Context, sc store.Schedule) error {
	return s.call(ctx, func(ctx context.Context) error { return s.schedules.SaveSchedule(ctx, sc) })
}

func (s *guarded) DueSchedules(ctx context.Context, limit int) (due []store.Schedule, now, next time.Time, err error) {
	err = s.call(ctx, func(ctx context.Context) (err error) {
		due, now, next, err = s.schedules.DueSchedules(ctx, limit)
		return err
	})
	return due, now, next, err
}

func (s *guarded) AdvanceSchedule(ctx context.Context, tenant, name string, from, to time.Time) (bool, error) {
	return ask(ctx, s, func(ctx context.Context) (bool, error) {
		return s.schedules.AdvanceSchedule(ctx, tenant, name, from, to)
	})
}

func (s *guarded) DeleteSchedule(ctx context.Context, tenant, name string) (bool, error) {
	return ask(ctx, s, func(ctx context.Context) (bool, error) { return s.schedules.DeleteSchedule(ctx, tenant, name) })
}

func (s *guarded) ListSchedules(ctx context.Context, tenant string) ([]store.Schedule, error) {
	return ask(ctx, s, func(ctx context.Context) ([]store.Schedule, error) { return s.schedules.ListSchedules(ctx, tenant) })
}

func (s *guarded) SavePause(ctx context.Context, p store.Pause, length time.Duration) error {
	return s.call(ctx, func(ctx context.Context) error { return s.pauses.SavePause(ctx, p, length) })
}

func (s *guarded) ListPauses(ctx context.Context) (ps []store.Pause, now time.Time, err error) {
	err = s.call(ctx, func(ctx context.Context) (err error) {
		ps, now, err = s.pauses.ListPauses(ctx)
		return err
	})
	return ps, now, err
}

func (s *guarded) DeletePause(ctx context.Context, channel string) (bool, error) {
	return ask(ctx, s, func(ctx context.Context) (bool, error) { return s.pauses.DeletePause(ctx, channel) })
}

func (s *guarded) SaveSuppressions(ctx context.Context, ss []store.Suppression) error {
	return s.call(ctx, func(ctx context.Context) error { return s.suppressions.SaveSuppressions(ctx, ss) })
}

func (s *guarded) DeleteSuppression(ctx context.Context, key store.SuppressionKey) (bool, error) {
	return ask(ctx, s, func(ctx context.Context) (bool, error) { return s.suppressions.DeleteSuppression(ctx, key) })
}
