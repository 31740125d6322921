package cron_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/cron"
)

func TestCronOccurrences(t *testing.T) {
	tests := map[string]struct {
		spec, zone, after string
		want              []string
	}{
		"every minute":                    {"* * * * *", "UTC", "2026-01-01T00:00:30Z", []string{"2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"}},
		"after, not at":                   {"0 9 * * *", "UTC", "2026-01-01T09:00:00Z", []string{"2026-01-02T09:00:00Z"}},
		"in its zone":                     {"0 9 * * *", "Asia/Shanghai", "2026-01-01T00:00:00Z", []string{"2026-01-01T09:00:00+08:00"}},
		"lists, ranges and steps":         {"5,50-59/5 8-10,20 * * *", "UTC", "2026-01-01T10:50:00Z", []string{"2026-01-01T10:55:00Z", "2026-01-01T20:05:00Z"}},
		"names in any case":               {"0 0 * feb-Mar sun", "UTC", "2026-01-01T00:00:00Z", []string{"2026-02-01T00:00:00Z", "2026-02-08T00:00:00Z"}},
		"7 is Sunday":                     {"0 0 * * 7", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"}},
		"a range up to Sunday":            {"0 0 * * SAT-SUN", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z", "2026-01-10T00:00:00Z"}},
		"Sunday to Sunday is one day":     {"0 0 * * 0-0", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"}},
		"either kind of day":              {"0 0 13 * FRI", "UTC", "2026-01-10T00:00:00Z", []string{"2026-01-13T00:00:00Z", "2026-01-16T00:00:00Z"}},
		"both kinds of day, with a star":  {"0 0 */2 * FRI", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-09T00:00:00Z", "2026-01-23T00:00:00Z"}},
		"leap days":                       {"0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		"leap days that are Sundays":      {"0 0 29 2 */7", "Europe/Berlin", "2088-03-01T00:00:00Z", []string{"2128-02-29T00:00:00+01:00"}},
		"the 31st":                        {"0 0 31 * *", "UTC", "2026-01-31T00:00:00Z", []string{"2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"}},
		"@hourly":                         {"@hourly", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-01T01:00:00Z"}},
		"@daily":                          {"@daily", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-02T00:00:00Z"}},
		"@weekly":                         {" @Weekly ", "UTC", "2026-01-01T00:00:00Z", []string{"2026-01-04T00:00:00Z"}},
		"@monthly":                        {"@monthly", "UTC", "2026-01-01T00:00:00Z", []string{"2026-02-01T00:00:00Z"}},
		"@yearly":                         {"@yearly", "UTC", "2026-01-01T00:00:00Z", []string{"2027-01-01T00:00:00Z"}},
		"the last day of a leap year":     {"0 9 * * *", "America/New_York", "2028-12-31T00:00:00Z", []string{"2028-12-31T09:00:00-05:00", "2029-01-01T09:00:00-05:00"}},
		"a gap":                           {"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		"much in a gap goes once":         {"*/10 2 * * *", "Europe/Berlin", "2026-03-29T00:55:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		"a gap that ends with its own":    {"30 2,3 * * *", "Europe/Berlin", "2026-03-29T00:55:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"}},
		"a gap without it":                {"30 1 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", []string{"2026-03-29T01:30:00+01:00", "2026-03-30T01:30:00+02:00"}},
		"every hour, over a gap":          {"30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", []string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"}},
		"every other hour, over a gap":    {"0 */2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00"}},
		"an overlap":                      {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		"within an overlap":               {"30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", []string{"2026-10-26T02:30:00+01:00"}},
		"every hour, over an overlap":     {"30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"}},
		"all hours, over an overlap":      {"30 0-23 * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"}},
		"every other hour, twice":         {"0 */2 * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", []string{"2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T04:00:00+01:00"}},
		"a gap of half an hour":           {"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		"an overlap of half an hour":      {"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", []string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		"a midnight that does not exist":  {"0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", []string{"2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
		"a month that begins with a gap":  {"@monthly", "America/Havana", "2012-03-31T12:00:00Z", []string{"2012-04-01T01:00:00-04:00", "2012-05-01T00:00:00-04:00"}},
		"a day that does not exist":       {"0 9 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", []string{"2011-12-29T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"}},
		"a date that does not exist once": {"0 9 30 12 *", "Pacific/Apia", "2011-01-01T00:00:00Z", []string{"2011-12-31T00:00:00+14:00", "2012-12-30T09:00:00+14:00"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := cron.Parse(tt.spec)
			require.NoError(t, err)
			after, err := time.Parse(time.RFC3339, tt.after)
			require.NoError(t, err)
			after = after.In(location(t, tt.zone))
			var got []string
			for range tt.want {
				var ok bool
				after, ok = c.Next(after)
				require.True(t, ok)
				got = append(got, after.Format(time.RFC3339))
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func location(t testing.TB, zone string) *time.Location {
	t.Helper()
	l, err := time.LoadLocation(zone)
	require.NoError(t, err)
	return l
}

func TestCronNamesTheFieldAtFault(t *testing.T) {
	tests := map[string]string{
		"":                               "0 fields",
		"* * * *":                        "4 fields",
		"0 0 9 * * *":                    "6 fields",
		"@reboot":                        `"@reboot" must be @hourly`,
		"@ daily * * *":                  `minute "@"`,
		"60 * * * *":                     `minute "60"`,
		"-1 * * * *":                     `minute "-1"`,
		"+1 * * * *":                     `minute "+1"`,
		"1,,2 * * * *":                   `minute "1,,2": ""`,
		"5/15 * * * *":                   `minute "5/15": a step requires a range, such as 5-59/15`,
		"*/0 * * * *":                    `minute "*/0": the step "0" must be a number from 1 to 60`,
		"*/90 * * * *":                   `minute "*/90": the step "90" must be a number from 1 to 60`,
		"*/ * * * *":                     `minute "*/"`,
		"*-5 * * * *":                    `minute "*-5"`,
		"0 24 * * *":                     `hour "24": "24" must be a number from 0 to 23`,
		"0 17-9 * * *":                   `hour "17-9": the start of a range must not be after its end`,
		"0 9pm * * *":                    `hour "9pm"`,
		"0 9 0 * *":                      `day of month "0"`,
		"0 9 L * *":                      `day of month "L"`,
		"0 9 ? * *":                      `day of month "?"`,
		"0 9 * 13 *":                     `month "13": "13" must be a number from 1 to 12 or a name such as JAN`,
		"0 9 * JANUARY *":                `month "JANUARY"`,
		"0 9 * * 8":                      `day of week "8"`,
		"0 9 * * ſu":                     `day of week "ſu"`,
		"0 9 * * FRI-MON":                `day of week "FRI-MON": the start of a range must not be after its end`,
		"0 9 * * 1#2":                    `day of week "1#2"`,
		"0 9 * * 1-5/8":                  `day of week "1-5/8"`,
		"0 9 * * 9999999999999999999999": `day of week`,
		strings.Repeat(" ", 201):         "at most 200 bytes",
	}
	for spec, want := range tests {
		t.Run(spec, func(t *testing.T) {
			_, err := cron.Parse(spec)
			require.ErrorContains(t, err, want)
		})
	}
}

func TestCronFindsImpossibleDates(t *testing.T) {
	for _, spec := range []string{"0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30-31 FEB */7"} {
		c, err := cron.Parse(spec)
		require.NoError(t, err)
		_, ok := c.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, location(t, "Europe/Berlin")))
		require.False(t, ok, spec)
	}
}

// A clockFace is what the clocks of a zone show in each minute.
type clockFace struct {
	at   time.Time // the minute of wall[1]
	wall []int64   // minutes since 1970 on the clock, as if it stood in UTC
}

func faceOf(l *time.Location, from, until time.Time) clockFace {
	f := clockFace{at: from}
	for t := from.Add(-time.Minute); t.Before(until); t = t.Add(time.Minute) {
		_, offset := t.In(l).Zone()
		f.wall = append(f.wall, (t.Unix()+int64(offset))/60)
	}
	return f
}

// A wish is a cron expression as sets of values, that knows nothing of how expressions are read.
type wish struct {
	spec                                      string
	minute, hour, day, month, weekday         []int
	starDay, starWeekday, everyHour, followed bool
}

func (w *wish) matches(minute int64) bool {
	t := time.Unix(minute*60, 0).UTC()
	if !slices.Contains(w.minute, t.Minute()) || !slices.Contains(w.hour, t.Hour()) || !slices.Contains(w.month, int(t.Month())) {
		return false
	}
	day, weekday := slices.Contains(w.day, t.Day()), slices.Contains(w.weekday, int(t.Weekday()))
	if !w.starDay && !w.starWeekday {
		return day || weekday
	}
	return day && weekday
}

// occurrences looks at every minute: the rule in plain words.
func (w *wish) occurrences(f clockFace) []time.Time {
	var found []time.Time
	last := f.wall[0] // the latest that the clock has shown
	for i, now := range f.wall[1:] {
		goes := w.matches(now) && (w.followed || now > last)
		for gap := f.wall[i] + 1; gap < now && !w.everyHour && !goes; gap++ {
			goes = gap > last && w.matches(gap)
		}
		if goes {
			found = append(found, f.at.Add(time.Duration(i)*time.Minute))
		}
		last = max(last, now)
	}
	return found
}

// draw makes a field of a random shape: its text, its values, and whether it starts with a star.
func draw(r *rand.Rand, low, high, most int) (text string, values []int, star bool) {
	span := func(from, to, step int) {
		for v := from; v <= to; v += step {
			values = append(values, v)
		}
	}
	switch r.IntN(5) {
	case 0:
		span(low, high, 1)
		return "*", values, true
	case 1:
		step := 1 + r.IntN(min(most, high-low+1))
		span(low, high, step)
		return "*/" + strconv.Itoa(step), values, true
	case 2:
		from := low + r.IntN(high-low+1)
		to := from + r.IntN(high-from+1)
		step := 1 + r.IntN(3)
		span(from, to, step)
		return fmt.Sprintf("%d-%d/%d", from, to, step), values, false
	}
	var parts []string
	for range 1 + r.IntN(3) {
		v := low + r.IntN(high-low+1)
		values = append(values, v)
		parts = append(parts, strconv.Itoa(v))
	}
	return strings.Join(parts, ","), values, false
}

func drawWish(r *rand.Rand, seldom bool) wish {
	var w wish
	var minute, hour, day, month, weekday string
	minute, w.minute, _ = draw(r, 0, 59, 60)
	hour, w.hour, _ = draw(r, 0, 23, 24)
	day, w.day, w.starDay = "*", nil, true
	month, weekday, w.starWeekday = "*", "*", true
	for v := range 32 {
		w.day, w.month, w.weekday = append(w.day, v), append(w.month, v), append(w.weekday, v)
	}
	if seldom {
		day, w.day, w.starDay = draw(r, 1, 31, 31)
		month, w.month, _ = draw(r, 1, 12, 12)
		weekday, w.weekday, w.starWeekday = draw(r, 0, 6, 7)
	}
	w.everyHour = len(slices.Compact(slices.Sorted(slices.Values(w.hour)))) == 24
	w.followed = w.everyHour || strings.ContainsAny(hour, "*/")
	w.spec = strings.Join([]string{minute, hour, day, month, weekday}, " ")
	return w
}

func TestCronIsWhatAMinuteScanFinds(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return d
	}
	spans := []struct {
		zone        string
		from, until string
		wishes      int
	}{
		{"Asia/Shanghai", "1986-01-01", "1987-12-31", 3},
		{"Europe/Berlin", "2026-01-01", "2026-12-31", 3},
		{"Europe/Berlin", "2026-03-28", "2026-03-31", 150},
		{"Europe/Berlin", "2026-10-24", "2026-10-27", 150},
		{"Europe/Berlin", "1945-05-20", "1945-05-27", 20}, // two hours at once
		{"Europe/Dublin", "2030-10-26", "2030-10-29", 50}, // winter is the exception
		{"America/New_York", "2027-12-25", "2029-01-05", 3},
		{"America/New_York", "2040-03-10", "2040-03-13", 100},
		{"America/New_York", "2040-11-03", "2040-11-06", 100},
		{"Australia/Lord_Howe", "2026-04-03", "2026-04-06", 150},
		{"Australia/Lord_Howe", "2026-10-02", "2026-10-05", 150},
		{"America/Sao_Paulo", "2018-01-01", "2018-12-31", 3},
		{"America/Sao_Paulo", "2018-11-02", "2018-11-06", 100},
		{"America/Sao_Paulo", "2019-02-15", "2019-02-19", 100},
		{"Pacific/Apia", "2011-12-27", "2012-01-03", 100},
		{"Africa/Casablanca", "2026-02-10", "2026-03-30", 10},
		{"Asia/Kathmandu", "1985-12-30", "1986-01-03", 50}, // a quarter of an hour
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	t.Log("seed", seed)
	for _, s := range spans {
		t.Run(s.zone+" "+s.from, func(t *testing.T) {
			l := location(t, s.zone)
			face := faceOf(l, day(s.from), day(s.until))
			for i := range s.wishes {
				checkWish(t, drawWish(r, i%2 == 1), face, l, day(s.until))
			}
		})
	}
}

func checkWish(t *testing.T, w wish, face clockFace, l *time.Location, until time.Time) {
	t.Helper()
	c, err := cron.Parse(w.spec)
	require.NoError(t, err, w.spec)
	at := face.at.Add(-time.Second).In(l)
	for _, want := range w.occurrences(face) {
		got, ok := c.Next(at)
		require.True(t, ok && got.Equal(want), "%q after %s: %s, want %s", w.spec, at, got, want.In(l))
		at = got
	}
	if got, ok := c.Next(at); ok {
		require.False(t, got.Before(until), "%q after %s: %s, want none before %s", w.spec, at, got, until)
	}
}

func FuzzCron(f *testing.F) {
	for _, spec := range []string{"* * * * *", "@daily", "0 9 * * MON-FRI", "*/15 8-18/2 1,15 JAN-MAR,12 7", "30 2 29 2 */7", "0 0 30 2 *", "1-0 * * * *", "a b c d e"} {
		f.Add(spec, int64(1_774_745_700))
	}
	berlin := location(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, spec string, at int64) {
		c, err := cron.Parse(spec)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		after := time.Unix(at%(1<<33), 0).In(berlin)
		next, ok := c.Next(after)
		if !ok {
			return
		}
		require.True(t, next.After(after))
		between, _ := c.Next(after.Add(next.Sub(after) / 2))
		require.True(t, between.Equal(next), "%q: after %s %s, but halfway %s", spec, after, next, between)
		again, err := cron.Parse(strings.ToLower(strings.Join(strings.Fields(spec), "  ")))
		if len(spec) < 100 {
			require.NoError(t, err)
			same, _ := again.Next(after)
			require.True(t, same.Equal(next))
		}
	})
}
