package storetest

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

var scheduleRules = []rule{
	{"schedules are kept", "a schedule is stored as given, under its tenant and name; schedules are listed by name", with(schedulesKept)},
	{"NextAt stays", "saving a schedule again replaces it; if Spec and Zone are unchanged, NextAt stays", with(schedulesNextAt)},
	{"due schedules", "DueSchedules returns the schedules whose NextAt has come, the longest due first, and the store's clock; if none is due, it " +
		"returns the earliest NextAt", with(schedulesDue)},
	{"advance", "AdvanceSchedule changes NextAt only if it equals the expected time; of concurrent calls, one does", with(schedulesAdvance)},
	{"delete a schedule", "DeleteSchedule reports whether there was one", with(schedulesDelete)},
	{"schedules and an ended context", "a call with an ended context returns an error and does nothing", with(schedulesEnded)},
}

func (r *run) save(s store.Schedules, xs ...store.Schedule) {
	r.Helper()
	for _, x := range xs {
		r.done("SaveSchedule", s.SaveSchedule(r.Context(), x), nil)
	}
}

func (r *run) schedules(s store.Schedules, tenant string) []store.Schedule {
	r.Helper()
	xs, err := s.ListSchedules(r.Context(), tenant)
	r.done("ListSchedules", err, xs)
	return xs
}

func (r *run) dueSchedules(s store.Schedules, limit int) (due []store.Schedule, now, next time.Time) {
	r.Helper()
	due, now, next, err := s.DueSchedules(r.Context(), limit)
	r.done("DueSchedules", err, due)
	r.done("DueSchedules", nil, []time.Time{now, next})
	if now.IsZero() {
		r.report(clock, "DueSchedules returned a zero time as the store's clock")
	}
	return due, now, next
}

// weekly returns a schedule.
func weekly(tenant, name string, next time.Time) store.Schedule {
	return store.Schedule{Tenant: tenant, Name: name, Spec: "0 9 * * 1", Zone: "Europe/Berlin", NextAt: next, Body: []byte(`{"to":[]}`)}
}

func schedulesKept(r *run, s store.Schedules) {
	a, b, upper := weekly("shop", "a", instant(2090, 1)), weekly("shop", "b 订单", instant(2089, 1)), weekly("shop", "A", instant(2088, 1))
	b.Body, b.Zone = []byte{0, 255, '\''}, ""
	other, none := weekly("other", "a", instant(2087, 1)), weekly("", "a", instant(2086, 1))
	r.save(s, b, a, other, none, upper)
	r.same("the schedules of a tenant", r.schedules(s, "shop"), []store.Schedule{upper, a, b})
	r.same("the schedules of another tenant", r.schedules(s, "other"), []store.Schedule{other})
	r.same("the schedules without a tenant", r.schedules(s, ""), []store.Schedule{none})
	r.same("the number of schedules of an unknown tenant", len(r.schedules(s, "unknown")), 0)
}

func schedulesNextAt(r *run, s store.Schedules) {
	x := weekly("shop", "a", instant(2090, 1))
	r.save(s, x)
	again := x
	again.NextAt, again.Body = instant(2091, 1), []byte("new")
	r.save(s, again)
	want := again
	want.NextAt = x.NextAt
	r.same("a schedule with a new body", r.schedules(s, "shop"), []store.Schedule{want})
	again.Zone = "Asia/Shanghai"
	r.save(s, again)
	r.same("a schedule with a new zone", r.schedules(s, "shop"), []store.Schedule{again})
	again.Spec, again.NextAt = "@daily", instant(2092, 1)
	r.save(s, again, again)
	r.same("a schedule with a new spec", r.schedules(s, "shop"), []store.Schedule{again})
}

func schedulesDue(r *run, s store.Schedules) {
	due, now, next := r.dueSchedules(s, 10)
	if len(due) > 0 || !next.IsZero() {
		r.broken("an empty store has %d due schedules, and the next one at %v", len(due), next)
	}
	later := weekly("shop", "later", now.Add(2*time.Hour))
	r.save(s, weekly("shop", "latest", now.Add(3*time.Hour)), later)
	due, _, next = r.dueSchedules(s, 10)
	r.same("the number of due schedules", len(due), 0)
	r.same("the earliest NextAt", next, later.NextAt)
	a, b, c := weekly("shop", "a", now.Add(-time.Second)), weekly("other", "b", now.Add(-time.Hour)), weekly("shop", "c", now)
	r.save(s, a, b, c)
	due, _, _ = r.dueSchedules(s, 10)
	r.same("the due schedules", due, []store.Schedule{b, a, c})
	due, _, _ = r.dueSchedules(s, 2)
	r.same("the two longest due schedules", due, []store.Schedule{b, a})
}

func schedulesAdvance(r *run, s store.Schedules) {
	x := weekly("shop", "a", instant(2026, 1))
	other := weekly("other", "a", instant(2026, 1))
	r.save(s, x, other)
	advance := func(name string, from, to time.Time) bool {
		moved, err := s.AdvanceSchedule(r.Context(), "shop", name, from, to)
		r.done("AdvanceSchedule", err, nil)
		return moved
	}
	r.same("the result of AdvanceSchedule from another time", advance("a", instant(2026, 2), instant(2026, 3)), false)
	r.same("the result of AdvanceSchedule for an unknown schedule", advance("b", x.NextAt, instant(2026, 3)), false)
	r.same("the result of AdvanceSchedule", advance("a", x.NextAt, instant(2026, 3)), true)
	r.same("the result of a repeated AdvanceSchedule", advance("a", x.NextAt, instant(2026, 4)), false)
	x.NextAt = instant(2026, 3)
	r.same("the schedule", r.schedules(s, "shop"), []store.Schedule{x})
	r.same("the schedules of another tenant after AdvanceSchedule", r.schedules(s, "other"), []store.Schedule{other})

	won := make(chan bool, 6)
	r.parallel(cap(won), func(ctx context.Context, no int) (bool, error) {
		moved, err := s.AdvanceSchedule(ctx, "shop", "a", x.NextAt, instant(2027, no+1))
		won <- moved
		return false, err
	})
	n := 0
	for range cap(won) {
		if <-won {
			n++
		}
	}
	r.same("the number of concurrent calls of AdvanceSchedule that succeeded", n, 1)
}

func schedulesDelete(r *run, s store.Schedules) {
	r.save(s, weekly("shop", "a", instant(2026, 1)), weekly("other", "a", instant(2026, 1)))
	for _, want := range []bool{true, false} {
		was, err := s.DeleteSchedule(r.Context(), "shop", "a")
		r.done("DeleteSchedule", err, nil)
		r.same("the result of DeleteSchedule", was, want)
	}
	r.same("the number of remaining schedules", len(r.schedules(s, "shop")), 0)
	r.same("the number of schedules of another tenant", len(r.schedules(s, "other")), 1)
}

func schedulesEnded(r *run, s store.Schedules) {
	x := weekly("shop", "a", instant(2026, 1))
	r.save(s, x)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	errs := map[string]error{"SaveSchedule": s.SaveSchedule(ctx, weekly("shop", "b", instant(2026, 1)))}
	_, errs["AdvanceSchedule"] = s.AdvanceSchedule(ctx, "shop", "a", x.NextAt, instant(2027, 1))
	_, errs["DeleteSchedule"] = s.DeleteSchedule(ctx, "shop", "a")
	_, errs["ListSchedules"] = s.ListSchedules(ctx, "shop")
	_, _, _, errs["DueSchedules"] = s.DueSchedules(ctx, 1)
	r.fail(errs)
	r.same("the schedules", r.schedules(s, "shop"), []store.Schedule{x})
}
