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

// A Schedule is a message that recurs.
type Schedule struct {
	Tenant string `json:"tenant,omitempty"`
	Name   string `json:"name"` // unique within the Tenant
	// Cron says when: minute, hour, day of month, month and day of week, as in "0 9 * * MON-FRI", or @hourly, @daily, @weekly, @monthly
	// or @yearly.
	Cron     string `json:"cron"`
	TimeZone string `json:"time_zone,omitempty"` // IANA name; "" is UTC
	// Message is planned anew for each occurrence: users are looked up and templates rendered then. It has no Key, SendAt or ExpireAt,
	// and its Tenant is the Schedule's.
	Message Message `json:"message"`
	// ExpireAfter is how long after its time an occurrence loses its use: no attempt begins after it, and an occurrence that nobody was
	// there to send is left out. By default it is sent, however late, and expires as any message of its Class.
	ExpireAfter time.Duration `json:"expire_after_ns,omitempty"`
	// NextAt is when it is sent next. Schedules sets it; Schedule ignores it.
	NextAt time.Time `json:"next_at,omitzero"`
}

// A scheduleBody is what a Schedule sends, as it is stored.
type scheduleBody struct {
	Message     Message       `json:"message"`
	ExpireAfter time.Duration `json:"expire_after_ns,omitempty"`
}

// Schedule stores s, or replaces the schedule of its name; [Notifier.Run], in any process on the store, sends each occurrence once. One
// that replaces another with the same Cron and TimeZone is due when that was, so a program may store its schedules whenever it starts.
//
// Everything is checked that Send would check now. A fault is a [*FieldError]: "cron", "time_zone", "message.to[0].id".
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

// Unschedule deletes a schedule and reports whether there was one. What was accepted already goes out.
func (n *Notifier) Unschedule(ctx context.Context, tenant, name string) (found bool, err error) {
	if n.store == nil || !n.store.HasSchedules() {
		return false, fault("store", ErrNeedsStore)
	}
	found, err = n.store.DeleteSchedule(ctx, tenant, name)
	return found, storeError(err)
}

// Schedules returns a tenant's schedules by name. What is typed any in their messages comes back as the maps, lists and [json.Number]s of
// its JSON.
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

// openSchedule decodes what Schedule stored. Without a message it is still known when it is due.
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

// timetableOf reads when s is due. Its error is a [*FieldError].
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

// checkSchedule brings s into the form that is stored, and finds its faults.
func (n *Notifier) checkSchedule(ctx context.Context, s *Schedule) (timetable, error) {
	s.Cron = strings.Join(strings.Fields(s.Cron), " ")
	s.TimeZone = cmp.Or(s.TimeZone, "UTC")
	if err := checkScheduleName(s.Name); err != nil {
		return timetable{}, fault("name", err)
	}
	if err := checkFields(word{"tenant", s.Tenant}); err != nil {
		return timetable{}, err
	}
	t, err := timetableOf(s.Cron, s.TimeZone)
	if err != nil {
		return t, err
	}
	if _, ok := t.next(time.Now()); !ok {
		return t, fault("cron", fmt.Errorf("%q names days that no month has", s.Cron))
	}
	if s.ExpireAfter < 0 {
		return t, fault("expire_after_ns", errors.New("is negative"))
	}
	return t, n.checkScheduled(ctx, s)
}

func checkScheduleName(name string) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case len(name) > maxScheduleName:
		return fmt.Errorf("has more than %d bytes", maxScheduleName)
	case !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("is no line of text")
	}
	return nil
}

// checkScheduled finds the faults of a schedule's message: those that it cannot have here, and those that Send would find.
func (n *Notifier) checkScheduled(ctx context.Context, s *Schedule) error {
	m := &s.Message
	switch {
	case m.Key != "":
		return fault("message.key", errors.New("is the schedule's to give: each occurrence has its own"))
	case !m.SendAt.IsZero():
		return fault("message.send_at", errors.New("is the schedule's to give"))
	case !m.ExpireAt.IsZero():
		return fault("message.expire_at", errors.New("is a single time; the schedule's expire_after_ns is for every occurrence"))
	case m.Tenant != "" && m.Tenant != s.Tenant:
		return fault("message.tenant", errors.New("is not the schedule's"))
	}
	m.Tenant = s.Tenant
	_, err := n.planner.plan(ctx, *m)
	var f *FieldError
	if errors.As(err, &f) {
		return fault("message."+f.Field, f.Err)
	}
	return err
}
