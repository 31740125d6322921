package notify

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/internal/engine"
	"github.com/e7ddda3c/notify/store"
)

const (
	// schedulePoll is the maximum interval of queries for schedules that other processes stored. latePoll is that interval while an
	// occurrence is late: the store then does not return the time of the next occurrence.
	schedulePoll, latePoll = 5 * time.Second, time.Second
	// scheduleBatch is the number of due schedules that are read at a time.
	scheduleBatch = 100
	// scheduleSlots is the number of occurrences that are accepted at a time: directories and templates may be slow.
	scheduleSlots = 16
	// occurrenceTime bounds the work on one occurrence.
	occurrenceTime = time.Minute
	// firstLate is the retry delay of an occurrence that could not be accepted. The delay doubles up to lastLate.
	firstLate, lastLate = time.Second, time.Minute
	// firstTrouble is the retry delay after a failure of the store. The delay doubles up to lastTrouble.
	firstTrouble, lastTrouble = 50 * time.Millisecond, 5 * time.Second
)

// runSchedules accepts the occurrences of schedules as they come due, until ctx ends, in any number of processes on one store. An occurrence
// is first accepted under its own key; then the schedule advances, by compare-and-set. After a crash in between, the key prevents a duplicate.
func (n *Notifier) runSchedules(ctx context.Context) {
	if !n.store.HasSchedules() {
		return
	}
	s := scheduler{
		store: n.store, planner: &n.planner, send: n.Send, guard: n.guard, log: n.log,
		trouble: firstTrouble, late: map[occurrence]lateness{},
	}
	for ctx.Err() == nil {
		if wait := s.look(ctx); wait > 0 {
			engine.Sleep(ctx, wait, n.scheduled)
		}
	}
}

type scheduler struct {
	store   engine.Store
	planner *planner
	send    func(context.Context, Message) (Report, error)
	guard   engine.Guard
	log     *slog.Logger
	trouble time.Duration // the retry delay after the next failure of the store
	late    map[occurrence]lateness
}

// An occurrence is one time of one schedule.
type occurrence struct {
	tenant, name string
	at           int64 // µs
}

func occurrenceOf(s *store.Schedule) occurrence {
	return occurrence{s.Tenant, s.Name, s.NextAt.UnixMicro()}
}

// key is the idempotency key of the occurrence.
func (o occurrence) key() string { return "cron:" + o.name + ":" + strconv.FormatInt(o.at, 10) }

// A lateness is the state of an occurrence that is due and could not be accepted.
type lateness struct {
	wait  time.Duration // after the next failure
	until time.Time     // by the clock of this process
}

// look accepts the occurrences that are due, and returns the time until it must be called again.
func (s *scheduler) look(ctx context.Context) time.Duration {
	limit := scheduleBatch + len(s.late) // late occurrences must not hide others
	look, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	due, now, next, err := s.store.DueSchedules(look, limit)
	if err != nil {
		wait := s.trouble
		s.trouble = min(2*wait, lastTrouble)
		if ctx.Err() == nil {
			s.log.Error("cannot read the schedules", "error", err, "again_in", wait)
		}
		return wait
	}
	s.trouble = firstTrouble
	if len(due) == 0 {
		clear(s.late)
		if next.IsZero() {
			return schedulePoll
		}
		return min(max(next.Sub(now), time.Millisecond), schedulePoll)
	}
	todo := s.todo(due)
	moved := s.acceptAll(ctx, todo, now)
	if moved || len(due) == limit && len(todo) > 0 {
		return 0
	}
	wait := latePoll
	for _, l := range s.late {
		wait = min(wait, time.Until(l.until))
	}
	return max(wait, time.Millisecond)
}

// todo returns due without the late occurrences that must still wait, and deletes late occurrences that are not due any more.
func (s *scheduler) todo(due []store.Schedule) []store.Schedule {
	now := time.Now()
	late := make(map[occurrence]lateness, len(s.late))
	var todo []store.Schedule
	for _, d := range due {
		o := occurrenceOf(&d)
		l, ok := s.late[o]
		if ok {
			late[o] = l
		}
		if !l.until.After(now) {
			todo = append(todo, d)
		}
	}
	s.late = late
	return todo
}

// acceptAll accepts occurrences, and reports whether a schedule has advanced. Occurrences that cannot be accepted are late.
func (s *scheduler) acceptAll(ctx context.Context, due []store.Schedule, now time.Time) (moved bool) {
	var work sync.WaitGroup
	slots := make(chan struct{}, scheduleSlots)
	done := make([]bool, len(due))
	errs := make([]error, len(due))
	for i := range due {
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			if crash := s.guard.Do("schedule", func() { done[i], errs[i] = s.accept(ctx, &due[i], now) }); crash != nil {
				errs[i] = crash
			}
		})
	}
	work.Wait()
	for i := range due {
		o := occurrenceOf(&due[i])
		if done[i] {
			moved = true
			delete(s.late, o)
			continue
		}
		wait := max(s.late[o].wait, firstLate)
		s.late[o] = lateness{min(2*wait, lastLate), time.Now().Add(wait)}
		if errs[i] != nil && ctx.Err() == nil {
			s.logOf(o).Error("cannot accept a scheduled message", "error", errs[i], "again_in", wait)
		}
	}
	return moved
}

// accept accepts the due occurrence of d, and advances d to the first occurrence in the future, so that other missed occurrences are skipped.
// It reports whether it advanced d. If not, and without an error, another process advanced or replaced d.
func (s *scheduler) accept(ctx context.Context, d *store.Schedule, now time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, occurrenceTime)
	defer cancel()
	t, err := timetableOf(d.Spec, d.Zone)
	if err != nil {
		return false, err
	}
	if err := s.sendOccurrence(ctx, d, now); err != nil {
		return false, err
	}
	from := now
	if d.NextAt.After(from) {
		from = d.NextAt
	}
	next, ok := t.next(from)
	if !ok {
		return false, errors.New("the schedule has no further occurrence")
	}
	return s.store.AdvanceSchedule(ctx, d.Tenant, d.Name, d.NextAt, micros(next))
}

// sendOccurrence sends the message of an occurrence. A message that can never be sent is logged, and is not an error.
func (s *scheduler) sendOccurrence(ctx context.Context, d *store.Schedule, now time.Time) error {
	o := occurrenceOf(d)
	opened, err := openSchedule(d)
	if err != nil {
		s.logOf(o).Error("a stored schedule cannot be read", "error", err)
		return nil
	}
	m := opened.Message
	m.Key = o.key()
	if opened.ExpireAfter > 0 {
		m.ExpireAt = d.NextAt.Add(opened.ExpireAfter)
		if !now.Before(m.ExpireAt) {
			s.logOf(o).Warn("a scheduled message has expired before it could be accepted")
			return nil
		}
	}
	_, err = s.send(ctx, m)
	switch {
	case errors.Is(err, ErrKeyReused):
		s.logOf(o).Warn("a scheduled message was accepted before, with another text")
		return nil
	case err != nil && s.refuses(&m, err):
		s.logOf(o).Error("a scheduled message is refused", "error", err)
		return nil
	}
	return err
}

// refuses reports whether m has become invalid since it was scheduled. A fault of "to" that check does not find is a failure of the directory,
// which is temporary.
func (s *scheduler) refuses(m *Message, err error) bool {
	var f *FieldError
	return errors.As(err, &f) && (f.Field != "to" || s.planner.check(m) != nil)
}

func (s *scheduler) logOf(o occurrence) *slog.Logger {
	return s.log.With("tenant", o.tenant, "schedule", o.name, "due", time.UnixMicro(o.at).UTC())
}
