package notify

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// maxCron bounds the text of a cron expression, in bytes.
const maxCron = 200

// cronYears is how far apart two occurrences can be: 29 February comes on a given day of the week after 40 years at most.
const cronYears = 41

// A cron is a cron expression: for each field, the values that match, as bits.
type cron struct {
	minutes, hours, days, months, weekdays uint64

	either    bool // both kinds of day are restricted: one that matches is enough
	everyHour bool
	repeats   bool // an hour that the clock goes through twice counts twice
}

// parseCron reads five fields, or a name such as @daily. Its error names the field.
func parseCron(text string) (cron, error) {
	if len(text) > maxCron {
		return cron{}, fmt.Errorf("has more than %d bytes", maxCron)
	}
	texts, err := cronFields(text)
	if err != nil {
		return cron{}, err
	}
	var c cron
	fields := [...]cronField{
		{&c.minutes, "minute", 0, 59, ""},
		{&c.hours, "hour", 0, 23, ""},
		{&c.days, "day of month", 1, 31, ""},
		{&c.months, "month", 1, 12, "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"},
		{&c.weekdays, "day of week", 0, 7, "SUN MON TUE WED THU FRI SAT"},
	}
	for i, f := range fields {
		if err := f.parse(texts[i]); err != nil {
			return cron{}, fmt.Errorf("%s %q %w", f.name, texts[i], err)
		}
	}
	c.weekdays |= c.weekdays >> 7 & 1 // 7 is Sunday too
	c.either = texts[2][0] != '*' && texts[4][0] != '*'
	c.everyHour = bits.OnesCount64(c.hours) == 24
	c.repeats = c.everyHour || strings.ContainsAny(texts[1], "*/")
	return c, nil
}

func cronFields(text string) ([]string, error) {
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
		return nil, fmt.Errorf("%q is not @hourly, @daily, @weekly, @monthly or @yearly", text)
	case len(fields) != 5:
		return nil, fmt.Errorf("has %d fields; it needs minute, hour, day of month, month and day of week", len(fields))
	}
	return fields, nil
}

// A cronField is what one field may say.
type cronField struct {
	bits     *uint64
	name     string
	min, max int
	names    string // of the values from min on: three letters each, with spaces between
}

func (f *cronField) parse(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if err := f.parsePart(part); err != nil {
			return err
		}
	}
	return nil
}

// parsePart reads *, a value or a range, with a step or without.
func (f *cronField) parsePart(text string) error {
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
		return errors.New("has a range that runs backwards")
	case stepped && text != "*" && !ranged:
		return fmt.Errorf("has a step without a range, such as %s-%d/%s", lowText, f.max, stepText)
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
func (f *cronField) value(text string) (int, error) {
	name := strings.ToUpper(text)
	if i := strings.Index(f.names, name); len(name) == 3 && i >= 0 && i%4 == 0 {
		return f.min + i/4, nil
	}
	v, err := number(text)
	if err != nil || v < f.min || v > f.max {
		what := fmt.Sprintf("a number from %d to %d", f.min, f.max)
		if f.names != "" {
			what += " or a name such as " + f.names[:3]
		}
		return 0, fmt.Errorf("has %q where %s belongs", text, what)
	}
	return v, nil
}

// step reads a step. A longer one than the field is a mistake: */90 is not every 90 minutes.
func (f *cronField) step(text string) (int, error) {
	most := f.max - f.min + 1
	if f.max == 7 {
		most = 7
	}
	v, err := number(text)
	if err != nil || v < 1 || v > most {
		return 0, fmt.Errorf("has %q where a step from 1 to %d belongs", text, most)
	}
	return v, nil
}

// number reads digits alone: no sign.
func number(text string) (int, error) {
	if !consistsOf(text, digit) {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(text)
}

// next returns the first occurrence after a time, in that time's location, and whether there is one.
//
// Where the clock goes forward, what would fall into the gap occurs once, at the first instant after it, unless hours are every hour:
// then the next hour has its own. Where it goes back, a time of day occurs the first time only, unless hours are every hour or
// stepped: then the clock is followed through both.
func (c *cron) next(after time.Time) (time.Time, bool) {
	t := after.Truncate(time.Second).Add(time.Second)
	for horizon := t.AddDate(cronYears, 0, 0); t.Before(horizon); {
		start, end := zoneBounds(t)
		from := wall(t)
		if !start.IsZero() {
			before, now := wall(start.Add(-time.Second)).Add(time.Second), wall(start)
			if start.Equal(t) && !c.everyHour && c.within(before, now) {
				return t, true
			}
			if !c.repeats && before.After(from) {
				from = before
			}
		}
		if end.IsZero() || end.After(horizon) {
			end = horizon
		}
		if w, ok := c.first(from, wall(t).Add(end.Sub(t))); ok {
			return t.Add(w.Sub(wall(t))), true
		}
		t = end
	}
	return time.Time{}, false
}

// zoneBounds returns when the offset of t began and when it ends; zero is never. Both may be earlier than that and later than t, with
// the same offset beyond.
func zoneBounds(t time.Time) (start, end time.Time) {
	start, end = t.ZoneBounds()
	if !end.IsZero() && !end.After(t) { // package time takes each year for 365 days where it goes by a rule
		end = t.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return start, end
}

// wall returns what clocks show at t, as if they stood in UTC: so they can be reckoned with.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

func (c *cron) within(from, until time.Time) bool {
	_, ok := c.first(from, until)
	return ok
}

// first returns the first minute of the clock that matches, from from on and before until.
func (c *cron) first(from, until time.Time) (time.Time, bool) {
	w := from.Truncate(time.Minute)
	if w.Before(from) {
		w = w.Add(time.Minute)
	}
	for w.Before(until) {
		year, month, day := w.Date()
		switch {
		case c.months>>month&1 == 0:
			w = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.onDay(day, w.Weekday()):
			w = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case c.hours>>w.Hour()&1 == 0:
			w = w.Truncate(time.Hour).Add(time.Hour)
		case c.minutes>>w.Minute()&1 == 0:
			w = w.Add(time.Minute)
		default:
			return w, true
		}
	}
	return time.Time{}, false
}

func (c *cron) onDay(day int, weekday time.Weekday) bool {
	d, w := c.days>>day&1 == 1, c.weekdays>>weekday&1 == 1
	if c.either {
		return d || w
	}
	return d && w
}
