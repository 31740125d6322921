package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/e7ddda3c/notify/internal/cron"
	"github.com/e7ddda3c/notify/store"
)

// maxScheduleName bounds a schedule's name, in bytes: it becomes part of a Key.
const maxScheduleName = 200

// A Schedule is a recurring message.
type Schedule struct {
	Tenant string `json:"tenant,omitempty"`
	Name   string `json:"name"` // unique within the Tenant
	// Cron is a cron expression: minute, hour, day of month, month and day of week, as in "0 9 * * MON-FRI", or @hourly, @daily, @weekly,
	// @monthly or @yearly.
	Cron     string `json:"cron"`
	TimeZone string `json:"time_zone,omitempty"` // IANA name; "" is UTC
	// Message is the message that is sent. Users are looked up and templates are rendered anew for each occurrence. Key, SendAt and ExpireAt
	// must be empty. Tenant must be empty or that of the Schedule.
	Message Message `json:"message"`
	// ExpireAfter is the time after an occurrence at which its message expires. No attempt begins later, and an occurrence that no process
	// accepted in time is skipped. By default, a late occurrence is sent, and expires like any message of its Class.
	ExpireAfter time.Duration `json:"expire_after_ns,omitempty"`
	// NextAt is the time of the next occurrence. Schedules sets NextAt; Schedule ignores it.
	NextAt time.Time `json:"next_at,omitzero"`
}

// A scheduleBody is the stored part of a Schedule that the store does not read.
type scheduleBody struct {
	Message     Message       `json:"message"`
	ExpireAfter time.Duration `json:"expire_after_ns,omitempty"`
}

// Schedule stores s, or replaces the schedule with the same Tenant and Name. [Notifier.Run], in any process on the store, sends each occurrence
// once. A replacement with the same Cron and TimeZone keeps the time of the next occurrence, so a program may store its schedules at every start.
//
// Schedule checks the message as Send does. An invalid s is a [*FieldError] whose Field is, for example, "cron" or "message.to[0].id".
func (n *Notifier) Schedule(ctx context.Context, s Schedule) error {
	if n.store == nil || !n.store.HasSchedules() {
		return fault("store", ErrNeedsStore)
	}
	if !n.engine.Enter() {
		return ErrClosed
	}
	defer n.engine.Leave()
	c, err := n.checkSchedule(ctx, &s)
	if err != nil {
		return err
	}
	body, err := toJSON(scheduleBody{s.Message, s.ExpireAfter})
	if err != nil {
		return fault("message", err)
	}
	_, now, _, err := n.store.DueSchedules(ctx, 1) // for its clock
	if err == nil {
		next, _ := c.next(now)
		err = n.store.SaveSchedule(ctx, store.Schedule{
			Tenant: s.Tenant, Name: s.Name, Spec: s.Cron, Zone: s.TimeZone, NextAt: micros(next), Body: body,
		})
	}
	if err != nil {
		return storeError(err)
	}
	select {
	case n.scheduled <- struct{}{}:
	default:
	}
	return nil
}

// Unschedule deletes a schedule and reports whether there was one. Messages that were already accepted are still sent.
func (n *Notifier) Unschedule(ctx context.Context, tenant, name string) (found bool, err error) {
	if n.store == nil || !n.store.HasSchedules() {
		return false, fault("store", ErrNeedsStore)
	}
	found, err = n.store.DeleteSchedule(ctx, tenant, name)
	return found, storeError(err)
}

// Schedules returns a tenant's schedules, sorted by name. Values of type any in their messages are returned as decoded JSON: maps, lists and
// [json.Number]s.
func (n *Notifier) Schedules(ctx context.Context, tenant string) ([]Schedule, error) {
	if n.store == nil || !n.store.HasSchedules() {
		return nil, fault("store", ErrNeedsStore)
	}
	stored, err := n.store.ListSchedules(ctx, tenant)
	if err != nil {
		return nil, storeError(err)
	}
	all := make([]Schedule, len(stored))
	for i := range stored {
		if all[i], err = openSchedule(&stored[i]); err != nil {
			return nil, fmt.Errorf("notify: the stored schedule %q: %w", stored[i].Name, err)
		}
	}
	return all, nil
}

// openSchedule decodes a stored schedule. After an error, all fields except Message and ExpireAfter are set.
func openSchedule(s *store.Schedule) (Schedule, error) {
	d := json.NewDecoder(bytes.NewReader(s.Body))
	d.UseNumber()
	var b scheduleBody
	err := d.Decode(&b)
	return Schedule{
		Tenant: s.Tenant, Name: s.Name, Cron: s.Spec, TimeZone: s.Zone, Message: b.Message, ExpireAfter: b.ExpireAfter, NextAt: s.NextAt,
	}, err
}

// A timetable is a cron expression in a time zone.
type timetable struct {
	cron cron.Expression
	zone *time.Location
}

// timetableOf parses a cron expression and a time zone. Its error is a [*FieldError].
func timetableOf(text, zone string) (timetable, error) {
	c, err := cron.Parse(text)
	if err != nil {
		return timetable{}, fault("cron", err)
	}
	if _, err := checkRecipient(&Recipient{TimeZone: zone}); err != nil {
		return timetable{}, fault("time_zone", err)
	}
	l, err := time.LoadLocation(zone)
	if err != nil {
		return timetable{}, fault("time_zone", err)
	}
	return timetable{c, l}, nil
}

func (t *timetable) next(after time.Time) (time.Time, bool) { return t.cron.Next(after.In(t.zone)) }

// checkSchedule normalizes and checks s.
func (n *Notifier) checkSchedule(ctx context.Context, s *Schedule) (timetable, error) {
	s.Cron = strings.Join(strings.Fields(s.Cron), " ")
	s.TimeZone = cmp.Or(s.TimeZone, "UTC")
	if s.Name == "" || len(s.Name) > maxScheduleName || !utf8.ValidString(s.Name) || strings.ContainsFunc(s.Name, unicode.IsControl) {
		return timetable{}, fault("name", fmt.Errorf("must be a single line of text, of 1 to %d bytes", maxScheduleName))
	}
	if err := checkFields(word{"tenant", s.Tenant}); err != nil {
		return timetable{}, err
	}
	t, err := timetableOf(s.Cron, s.TimeZone)
	if err != nil {
		return t, err
	}
	if _, ok := t.next(time.Now()); !ok {
		return t, fault("cron", fmt.Errorf("%q must match a date that exists", s.Cron))
	}
	if s.ExpireAfter < 0 {
		return t, fault("expire_after_ns", errors.New("must not be negative"))
	}
	return t, n.checkScheduled(ctx, s)
}

// checkScheduled checks the message of a schedule: the fields that must be empty, and all that Send would check.
func (n *Notifier) checkScheduled(ctx context.Context, s *Schedule) error {
	m := &s.Message
	switch {
	case m.Key != "":
		return fault("message.key", errors.New("must be empty: each occurrence has a key of its own"))
	case !m.SendAt.IsZero():
		return fault("message.send_at", errors.New("must be empty: the cron expression sets the times"))
	case !m.ExpireAt.IsZero():
		return fault("message.expire_at", errors.New("must be empty: use expire_after_ns instead"))
	case m.Tenant != "" && m.Tenant != s.Tenant:
		return fault("message.tenant", errors.New("must be empty or the tenant of the schedule"))
	}
	m.Tenant = s.Tenant
	_, err := n.planner.plan(ctx, *m)
	var f *FieldError
	if errors.As(err, &f) {
		return fault("message."+f.Field, f.Err)
	}
	return err
}
