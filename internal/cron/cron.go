// Package cron computes the occurrences of cron expressions across time zones and their clock changes.
package cron

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// longestText bounds the text of an expression, in bytes.
const longestText = 200

// horizonYears exceeds the longest time between two occurrences: 29 February falls on a given day of the week after 40 years at most.
const horizonYears = 41

// An Expression is a parsed cron expression. Its fields hold the values that match, as bits.
type Expression struct {
	minutes, hours, days, months, weekdays uint64

	either    bool // both day fields are restricted: a day must match only one of them
	everyHour bool
	repeats   bool // an hour that the clock shows twice matches twice
}

// Parse reads five fields, or a name such as @daily. Its error names the field.
func Parse(text string) (Expression, error) {
	if len(text) > longestText {
		return Expression{}, fmt.Errorf("must have at most %d bytes", longestText)
	}
	texts, err := split(text)
	if err != nil {
		return Expression{}, err
	}
	var x Expression
	fields := [...]field{
		{&x.minutes, "minute", 0, 59, ""},
		{&x.hours, "hour", 0, 23, ""},
		{&x.days, "day of month", 1, 31, ""},
		{&x.months, "month", 1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"},
		{&x.weekdays, "day of week", 0, 7, "SUN MON TUE WED THU FRI SAT"},
	}
	for i, f := range fields {
		if err := f.parse(texts[i]); err != nil {
			return Expression{}, fmt.Errorf("%s %q: %w", f.name, texts[i], err)
		}
	}
	x.weekdays |= x.weekdays >> 7 & 1 // 7 is Sunday too
	x.either = texts[2][0] != '*' && texts[4][0] != '*'
	x.everyHour = bits.OnesCount64(x.hours) == 24
	x.repeats = x.everyHour || strings.ContainsAny(texts[1], "*/")
	return x, nil
}

func split(text string) ([]string, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "@hourly":
		text = "0 * * * *"
	case "@daily", "@midnight":
		text = "0 0 * * *"
	case "@weekly":
		text = "0 0 * * 0"
	case "@monthly":
		text = "0 0 1 * *"
	case "@yearly", "@annually":
		text = "0 0 1 1 *"
	}
	fields := strings.Fields(text)
	switch {
	case len(fields) == 1 && fields[0][0] == '@':
		return nil, fmt.Errorf("%q must be @hourly, @daily, @weekly, @monthly or @yearly", text)
	case len(fields) != 5:
		return nil, fmt.Errorf("has %d fields; must have five: minute, hour, day of month, month and day of week", len(fields))
	}
	return fields, nil
}

// A field is one of the five, with its range of values.
type field struct {
	bits     *uint64
	name     string
	min, max int
	names    string // of the values from min on: three letters each, with spaces between
}

func (f *field) parse(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if err := f.parsePart(part); err != nil {
			return err
		}
	}
	return nil
}

// parsePart reads *, a value or a range, with or without a step.
func (f *field) parsePart(text string) error {
	text, stepText, stepped := strings.Cut(text, "/")
	lowText, highText, ranged := strings.Cut(text, "-")
	low, high, step := f.min, f.max, 1
	var err error
	if text != "*" {
		if low, err = f.value(lowText); err != nil {
			return err
		}
		high = low
	}
	if ranged && text != "*" {
		if high, err = f.value(highText); err != nil {
			return err
		}
		if high == 0 && low > 0 && f.max == 7 { // SAT-SUN
			high = 7
		}
	}
	switch {
	case high < low:
		return errors.New("the start of a range must not be after its end")
	case stepped && text != "*" && !ranged:
		return fmt.Errorf("a step requires a range, such as %s-%d/%s", lowText, f.max, stepText)
	case stepped:
		if step, err = f.step(stepText); err != nil {
			return err
		}
	}
	for v := low; v <= high; v += step {
		*f.bits |= 1 << v
	}
	return nil
}

// value reads a number or a name.
func (f *field) value(text string) (int, error) {
	name := strings.ToUpper(text)
	if i := strings.Index(f.names, name); len(name) == 3 && i >= 0 && i%4 == 0 {
		return f.min + i/4, nil
	}
	v, err := number(text)
	if err != nil || v < f.min || v > f.max {
		want := fmt.Sprintf("a number from %d to %d", f.min, f.max)
		if f.names != "" {
			want += " or a name such as " + f.names[:3]
		}
		return 0, fmt.Errorf("%q must be %s", text, want)
	}
	return v, nil
}

// step reads a step. A step beyond the field's range is a mistake: */90 is not every 90 minutes.
func (f *field) step(text string) (int, error) {
	most := f.max - f.min + 1
	if f.max == 7 {
		most = 7
	}
	v, err := number(text)
	if err != nil || v < 1 || v > most {
		return 0, fmt.Errorf("the step %q must be a number from 1 to %d", text, most)
	}
	return v, nil
}

// number reads digits only, no sign.
func number(text string) (int, error) {
	if strings.Trim(text, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(text)
}

// Next returns the first occurrence after a time, in the location of that time, and whether there is one.
//
// Where the clock goes forward, a time of day in the gap occurs once, at the first instant after the gap; an expression for every hour
// skips it. Where the clock goes back, a time of day occurs the first time only; an expression for every hour, or with stepped hours,
// follows the clock through both.
func (x *Expression) Next(after time.Time) (time.Time, bool) {
	t := after.Truncate(time.Second).Add(time.Second)
	for horizon := t.AddDate(horizonYears, 0, 0); t.Before(horizon); {
		start, end := zoneBounds(t)
		from := wall(t)
		if !start.IsZero() {
			before, now := wall(start.Add(-time.Second)).Add(time.Second), wall(start)
			if _, skipped := x.first(before, now); skipped && start.Equal(t) && !x.everyHour {
				return t, true
			}
			if !x.repeats && before.After(from) {
				from = before
			}
		}
		if end.IsZero() || end.After(horizon) {
			end = horizon
		}
		if w, ok := x.first(from, wall(t).Add(end.Sub(t))); ok {
			return t.Add(w.Sub(wall(t))), true
		}
		t = end
	}
	return time.Time{}, false
}

// zoneBounds returns the beginning and the end of the offset at t; zero is never. Both may be tighter than the true ones, with the same
// offset beyond.
func zoneBounds(t time.Time) (start, end time.Time) {
	start, end = t.ZoneBounds()
	if !end.IsZero() && !end.After(t) { // package time takes each year for 365 days in zones that follow a rule
		end = t.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return start, end
}

// wall returns the reading of the clocks at t as a time in UTC, fit for arithmetic.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// first returns the first minute of the clock that matches in [from, until).
func (x *Expression) first(from, until time.Time) (time.Time, bool) {
	w := from.Truncate(time.Minute)
	if w.Before(from) {
		w = w.Add(time.Minute)
	}
	for w.Before(until) {
		year, month, day := w.Date()
		switch {
		case x.months>>month&1 == 0:
			w = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !x.onDay(day, w.Weekday()):
			w = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case x.hours>>w.Hour()&1 == 0:
			w = w.Truncate(time.Hour).Add(time.Hour)
		case x.minutes>>w.Minute()&1 == 0:
			w = w.Add(time.Minute)
		default:
			return w, true
		}
	}
	return time.Time{}, false
}

func (x *Expression) onDay(day int, weekday time.Weekday) bool {
	d, w := x.days>>day&1 == 1, x.weekdays>>weekday&1 == 1
	if x.either {
		return d || w
	}
	return d && w
}
