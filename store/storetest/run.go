package storetest

import (
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/store"
)

const (
	long   = time.Hour             // a lease that does not run out during the test
	short  = 60 * time.Millisecond // a lease that runs out during the test
	minute = time.Minute           // allowed for an expected event, on a busy machine with a slow database
	tick   = 5 * time.Millisecond  // the polling interval
	plenty = 10_000                // more deliveries than any rule stores
)

// A run is one rule under test.
type run struct {
	*testing.T
	rule  *rule
	store store.Deliveries
	// patience is the time allowed for an expected event.
	patience time.Duration
	told     atomic.Bool // whether a report has explained the rule
}

// broken reports that r's rule does not hold. The test continues.
func (r *run) broken(format string, args ...any) {
	r.Helper()
	r.report(r.rule, format, args...)
}

// stop reports that r's rule does not hold, and ends the test.
func (r *run) stop(format string, args ...any) {
	r.Helper()
	r.report(r.rule, format, args...)
	r.FailNow()
}

// report reports that rule does not hold. The first report of a rule adds its explanation.
func (r *run) report(rule *rule, format string, args ...any) {
	r.Helper()
	text := fmt.Sprintf("storetest: rule %q is broken: ", rule.name) + fmt.Sprintf(format, args...)
	if !r.told.Swap(true) || rule != r.rule {
		text += "\n\trule: " + rule.says
	}
	r.Error(text)
}

// same checks that got equals want. The subject begins the report.
func (r *run) same(subject string, got, want any) {
	r.Helper()
	if d := diff("", reflect.ValueOf(got), reflect.ValueOf(want)); d != "" {
		r.broken("%s: %s", subject, d)
	}
}

// done checks that a call succeeded, and checks the times in its answer.
func (r *run) done(call string, err error, answer any) {
	r.Helper()
	if err != nil {
		r.stop("%s returned an error: %v", call, err)
	}
	if t, ok := badTime(reflect.ValueOf(answer)); ok {
		r.report(clock, "%s returned the time %v", call, t)
	}
}

// until polls until cond holds. It ends the test after r.patience.
func (r *run) until(event string, cond func() bool) {
	r.Helper()
	clock := time.NewTicker(tick)
	defer clock.Stop()
	end := time.After(r.patience)
	for !cond() {
		select {
		case <-clock.C:
		case <-end:
			r.stop("no %s within %v", event, r.patience)
		}
	}
}

// badTime finds a time that is not in UTC, or not in whole microseconds.
func badTime(v reflect.Value) (time.Time, bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return badTime(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		for i := range v.Len() {
			if t, ok := badTime(v.Index(i)); ok {
				return t, true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if t, ok := badTime(it.Value()); ok {
				return t, true
			}
		}
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t, !t.IsZero() && (t.Location() != time.UTC || !t.Equal(t.Truncate(time.Microsecond)))
		}
		for i := range v.NumField() {
			if t, ok := badTime(v.Field(i)); ok {
				return t, true
			}
		}
	}
	return time.Time{}, false
}
