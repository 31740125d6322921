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
	long   = time.Hour             // a lease that does not run out
	short  = 60 * time.Millisecond // a lease that does
	minute = time.Minute           // for what has to happen, on a busy machine and a slow database
	tick   = 5 * time.Millisecond  // between two looks
	plenty = 10_000                // more than any rule stores
)

// A run is one rule under test.
type run struct {
	*testing.T
	rule  *rule
	store store.Deliveries
	// patience is how long the rule waits for what has to happen.
	patience time.Duration
	told     atomic.Bool // the rule was explained
}

// broken reports that r's rule does not hold.
func (r *run) broken(format string, args ...any) {
	r.Helper()
	r.report(r.rule, format, args...)
}

// stop reports that r's rule does not hold, and that the test cannot go on.
func (r *run) stop(format string, args ...any) {
	r.Helper()
	r.report(r.rule, format, args...)
	r.FailNow()
}

func (r *run) report(rule *rule, format string, args ...any) {
	r.Helper()
	text := fmt.Sprintf("storetest: rule %q is broken: ", rule.name) + fmt.Sprintf(format, args...)
	if !r.told.Swap(true) || rule != r.rule {
		text += "\n\trule: " + rule.says
	}
	r.Error(text)
}

// same checks that got is what the rule wants.
func (r *run) same(what string, got, want any) {
	r.Helper()
	if d := diff("", reflect.ValueOf(got), reflect.ValueOf(want)); d != "" {
		r.broken("%s: %s", what, d)
	}
}

// done checks a call, and the times in its answer.
func (r *run) done(call string, err error, answer any) {
	r.Helper()
	if err != nil {
		r.stop("%s returned an error: %v", call, err)
	}
	if t, ok := crooked(reflect.ValueOf(answer)); ok {
		r.report(clock, "%s returned the time %v", call, t)
	}
}

// until looks until cond holds. It ends the test if that takes too long.
func (r *run) until(what string, cond func() bool) {
	r.Helper()
	clock := time.NewTicker(tick)
	defer clock.Stop()
	end := time.After(r.patience)
	for !cond() {
		select {
		case <-clock.C:
		case <-end:
			r.stop("%s has not happened within %v", what, r.patience)
		}
	}
}

// crooked finds a time that is not as stores keep it.
func crooked(v reflect.Value) (time.Time, bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return crooked(v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		for i := range v.Len() {
			if t, ok := crooked(v.Index(i)); ok {
				return t, true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if t, ok := crooked(it.Value()); ok {
				return t, true
			}
		}
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t, !t.IsZero() && (t.Location() != time.UTC || !t.Equal(t.Truncate(time.Microsecond)))
		}
		for i := range v.NumField() {
			if t, ok := crooked(v.Field(i)); ok {
				return t, true
			}
		}
	}
	return time.Time{}, false
}
