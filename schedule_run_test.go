package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// occurrences returns the key of each message that was accepted, and the time.
func (s *fakeStore) occurrences() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var os []string
	for _, m := range s.accepted {
		os = append(os, m.Tenant+"|"+m.Key+" at "+m.at.UTC().Format(time.DateTime))
	}
	return os
}

// texts returns the text of each message that was accepted.
func (s *fakeStore) texts(t *testing.T) []string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, m := range s.accepted {
		var body struct{ Content notify.Content }
		require.NoError(t, json.Unmarshal(m.Body, &body))
		texts = append(texts, body.Content.Text)
	}
	return texts
}

// entry returns the occurrence of news that was due and accepted at these times, as in occurrences.
func entry(due, accepted time.Time) string {
	return fmt.Sprintf("|cron:news:%d at %s", due.UnixMicro(), accepted.UTC().Format(time.DateTime))
}

// scheduler returns a Notifier on st with the channel email. It logs to log.
func scheduler(t *testing.T, st *fakeStore, log io.Writer) *notify.Notifier {
	t.Helper()
	return newNotifier(t, notify.Config{
		Channels: notify.Channels{"email": &driver{}}, Store: st, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
}

// ticking runs n's schedules until stop is called.
func ticking(t *testing.T, n *notify.Notifier) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.RunSchedules(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// at returns a time in 2000, the year in which the fake clock of synctest begins.
func at(month time.Month, day, hour, minute int) time.Time {
	return time.Date(2000, month, day, hour, minute, 0, 0, time.UTC)
}

// sleepUntil sleeps until t, and then until all other goroutines are blocked.
func sleepUntil(t time.Time) {
	time.Sleep(time.Until(t))
	synctest.Wait()
}

// news returns a schedule for nine o'clock UTC each day.
func news() notify.Schedule {
	s := daily()
	s.Name, s.TimeZone = "news", ""
	return s
}

func TestEachOccurrenceGoesOnce(t *testing.T) {
	for nodes := 1; nodes <= 2; nodes++ {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newFakeStore(memory.New())
				for range nodes {
					n := scheduler(t, st, io.Discard)
					s := news()
					s.Cron = "0 9,11 * * *"
					require.NoError(t, n.Schedule(t.Context(), s), "each process stores the schedule when it starts")
					defer ticking(t, n)()
				}
				sleepUntil(at(1, 1, 12, 0))
				require.Equal(t, []string{
					entry(at(1, 1, 9, 0), at(1, 1, 9, 0)),
					entry(at(1, 1, 11, 0), at(1, 1, 11, 0)),
				}, st.occurrences())
			})
		})
	}
}

func TestAfterAWeekOneOccurrenceGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n := scheduler(t, st, io.Discard)
		require.NoError(t, n.Schedule(t.Context(), news()))
		sleepUntil(at(1, 8, 12, 0))
		defer ticking(t, n)()
		sleepUntil(at(1, 9, 12, 0))
		require.Equal(t, []string{
			entry(at(1, 1, 9, 0), at(1, 8, 12, 0)),
			entry(at(1, 9, 9, 0), at(1, 9, 9, 0)),
		}, st.occurrences())
	})
}

func TestWhatHasExpiredIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		var log bytes.Buffer
		n := scheduler(t, st, &log)
		s := news()
		s.ExpireAfter = time.Hour
		require.NoError(t, n.Schedule(t.Context(), s))
		sleepUntil(at(1, 1, 10, 0))
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 10, 1))
		require.Regexp(t, "level=WARN .*expired.* schedule=news", log.String())
		require.NotContains(t, log.String(), "level=ERROR")
		sleepUntil(at(1, 2, 9, 0))
		require.Equal(t, []string{entry(at(1, 2, 9, 0), at(1, 2, 9, 0))}, st.occurrences())
		require.Equal(t, at(1, 2, 10, 0), st.accepted[0].ExpireAt)
	})
}

func TestAnHourThatIsLeftOutOrRepeated(t *testing.T) {
	tests := map[string]struct {
		cron        string
		from, until time.Time
		want        []time.Time
	}{
		"a gap":                     {"30 2 * * *", at(3, 26, 0, 0), at(3, 26, 4, 0), []time.Time{at(3, 26, 1, 0)}},
		"a gap, every hour":         {"30 * * * *", at(3, 26, 0, 0), at(3, 26, 2, 0), []time.Time{at(3, 26, 0, 30), at(3, 26, 1, 30)}},
		"an overlap":                {"30 2 * * *", at(10, 29, 0, 0), at(10, 29, 4, 0), []time.Time{at(10, 29, 0, 30)}},
		"an overlap, every hour":    {"30 * * * *", at(10, 29, 0, 0), at(10, 29, 2, 0), []time.Time{at(10, 29, 0, 30), at(10, 29, 1, 30)}},
		"an overlap, by the minute": {"0,30 */2 * * *", at(10, 29, 0, 0), at(10, 29, 2, 0), []time.Time{at(10, 29, 0, 30), at(10, 29, 1, 0), at(10, 29, 1, 30)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sleepUntil(tt.from)
				st := newFakeStore(memory.New())
				n := scheduler(t, st, io.Discard)
				s := news()
				s.Cron, s.TimeZone = tt.cron, "Europe/Berlin"
				require.NoError(t, n.Schedule(t.Context(), s))
				defer ticking(t, n)()
				sleepUntil(tt.until)
				var want []string
				for _, w := range tt.want {
					want = append(want, entry(w, w))
				}
				require.Equal(t, want, st.occurrences())
			})
		})
	}
}

func TestACrashBetweenAcceptingAndMovingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		st.fail(errStore, advanceSchedule)
		n := scheduler(t, st, io.Discard)
		require.NoError(t, n.Schedule(t.Context(), news()))
		stop := ticking(t, n)
		sleepUntil(at(1, 1, 9, 1))
		stop()

		st.recover()
		defer ticking(t, scheduler(t, st, io.Discard))()
		sleepUntil(at(1, 2, 12, 0))
		require.Equal(t, []string{
			entry(at(1, 1, 9, 0), at(1, 1, 9, 0)),
			entry(at(1, 2, 9, 0), at(1, 2, 9, 0)),
		}, st.occurrences())
	})
}

func TestACrashAndThenAnotherText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		st.fail(errStore, advanceSchedule)
		var log bytes.Buffer
		n := scheduler(t, st, io.Discard)
		s := news()
		require.NoError(t, n.Schedule(t.Context(), s))
		stop := ticking(t, n)
		sleepUntil(at(1, 1, 9, 1))
		stop()

		st.recover()
		s.Message.Content.Text = "new"
		n = scheduler(t, st, &log)
		require.NoError(t, n.Schedule(t.Context(), s))
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 9, 2))
		require.Regexp(t, "level=WARN .*another text.* schedule=news", log.String())
		require.NotContains(t, log.String(), "level=ERROR")
		sleepUntil(at(1, 2, 9, 0))
		require.Equal(t, []string{"hello", "new"}, st.texts(t), "the occurrence of the first day was accepted before")
	})
}

func TestReplacingADueSchedule(t *testing.T) {
	tests := map[string]struct {
		change func(*notify.Schedule)
		want   []string
		text   string
	}{
		"the new message goes out": {func(s *notify.Schedule) { s.Message.Content.Text = "new" },
			[]string{entry(at(1, 1, 9, 0), at(1, 1, 10, 0)), entry(at(1, 2, 9, 0), at(1, 2, 9, 0))}, "new"},
		"the new time counts": {func(s *notify.Schedule) { s.Cron = "0 11 * * *" },
			[]string{entry(at(1, 1, 11, 0), at(1, 1, 11, 0)), entry(at(1, 2, 11, 0), at(1, 2, 11, 0))}, "hello"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newFakeStore(memory.New())
				n := scheduler(t, st, io.Discard)
				s := news()
				require.NoError(t, n.Schedule(t.Context(), s))
				sleepUntil(at(1, 1, 10, 0))
				tt.change(&s)
				require.NoError(t, n.Schedule(t.Context(), s))
				defer ticking(t, n)()
				sleepUntil(at(1, 2, 12, 0))
				require.Equal(t, tt.want, st.occurrences())
				require.Equal(t, []string{tt.text, tt.text}, st.texts(t))
			})
		})
	}
}

func TestUnscheduledIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n := scheduler(t, st, io.Discard)
		require.NoError(t, n.Schedule(t.Context(), news()))
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 12, 0))
		found, err := n.Unschedule(t.Context(), "", "news")
		require.NoError(t, err)
		require.True(t, found)
		sleepUntil(at(1, 3, 12, 0))
		require.Len(t, st.occurrences(), 1)
	})
}

func TestAClockThatLeapsBringsNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, ahead := newFakeStore(memory.New()), atomic.Bool{} // the store's clock is ten days ahead
		st.due = func(ctx context.Context, limit int) (due []store.Schedule, now, next time.Time, err error) {
			if !ahead.Load() {
				return st.Store.DueSchedules(ctx, limit)
			}
			all, err := st.Store.ListSchedules(ctx, "")
			now = time.Now().AddDate(0, 0, 10).UTC()
			for _, s := range all {
				if !s.NextAt.After(now) {
					due = append(due, s)
				} else if next.IsZero() || s.NextAt.Before(next) {
					next = s.NextAt
				}
			}
			return due, now, next, err
		}
		n := scheduler(t, st, io.Discard)
		s := news()
		s.Cron = "@hourly"
		require.NoError(t, n.Schedule(t.Context(), s))
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 0, 30))
		ahead.Store(true)
		sleepUntil(at(1, 1, 2, 30))
		require.Len(t, st.occurrences(), 3)
		require.Equal(t, []string{
			entry(at(1, 11, 1, 0), at(1, 1, 1, 0)),
			entry(at(1, 11, 2, 0), at(1, 1, 2, 0)),
		}, st.occurrences()[1:])
		require.Contains(t, st.occurrences()[0], fmt.Sprint(at(1, 1, 1, 0).UnixMicro()))
	})
}

func TestARefusedScheduleStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		before := newNotifier(t, notify.Config{Channels: notify.Channels{"email": &driver{}, "pager": &driver{}}, Store: st})
		gone := news()
		gone.Name, gone.Message = "gone", hello("pager")
		require.NoError(t, before.Schedule(t.Context(), gone))
		require.NoError(t, before.Schedule(t.Context(), news()))

		var log bytes.Buffer
		n := scheduler(t, st, &log)
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 12, 0))
		require.Len(t, st.occurrences(), 1)
		require.Contains(t, log.String(), "level=ERROR")
		require.Contains(t, log.String(), "schedule=gone")
		require.NotContains(t, log.String(), "ann-pager")
		require.Equal(t, 1, strings.Count(log.String(), "schedule=gone"), "an occurrence that is refused is tried once")
		all, err := n.Schedules(t.Context(), "")
		require.NoError(t, err)
		require.Equal(t, at(1, 2, 9, 0), all[0].NextAt)
	})
}

func TestADirectoryThatIsDownDelaysItsOwnOccurrencesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		var down atomic.Bool
		var asked atomic.Int64
		n := newNotifier(t, notify.Config{
			Channels: notify.Channels{"email": &driver{}}, Store: st,
			Directory: directoryFunc(func(ids []string) ([]notify.Recipient, error) {
				asked.Add(1)
				if down.Load() {
					return nil, errDown
				}
				return []notify.Recipient{{ID: ids[0], Addresses: map[string][]string{"email": {ids[0] + "@example.com"}}}}, nil
			}),
		})
		const many = 120 // more than one read of the store returns
		for i := range many {
			s := news()
			s.Name, s.Cron, s.Message.To = fmt.Sprint("user-", i), "59 8 * * *", notify.Users("ann")
			require.NoError(t, n.Schedule(t.Context(), s))
		}
		require.NoError(t, n.Schedule(t.Context(), news()))
		down.Store(true)
		asked.Store(0)
		defer ticking(t, n)()

		sleepUntil(at(1, 1, 9, 0).Add(2 * time.Second))
		require.Len(t, st.occurrences(), 1)
		require.Contains(t, st.occurrences()[0], "cron:news:")
		sleepUntil(at(1, 1, 9, 10))
		require.Less(t, asked.Load(), int64(many*20), "about once a minute each")
		down.Store(false)
		asked.Store(0)
		sleepUntil(at(1, 1, 9, 12))
		require.Len(t, st.occurrences(), many+1)
		require.EqualValues(t, many, asked.Load())
	})
}

func TestAStoreThatFailsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n := scheduler(t, st, io.Discard)
		require.NoError(t, n.Schedule(t.Context(), news()))
		st.before(func(context.Context) error {
			switch {
			case !time.Now().Before(at(1, 1, 9, 10)):
				return nil
			case st.calls(dueSchedules)%2 == 0:
				panic("driver")
			}
			return errStore
		}, dueSchedules)
		sleepUntil(at(1, 1, 8, 0))
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 9, 10).Add(6 * time.Second))
		require.Len(t, st.occurrences(), 1)
		require.Less(t, st.calls(dueSchedules), 70*60/4, "every five seconds")
	})
}

func TestAScheduleThatDoesNotMoveMakesNoSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		st.fail(errStore, advanceSchedule)
		n := scheduler(t, st, io.Discard)
		require.NoError(t, n.Schedule(t.Context(), news()))
		sleepUntil(at(1, 1, 9, 0))
		before := st.calls(dueSchedules)
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 10, 0))
		require.Len(t, st.occurrences(), 1)
		require.Less(t, st.calls(dueSchedules)-before, 2*3600)
	})
}

func TestANewScheduleWakesTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n := scheduler(t, st, io.Discard)
		time.Sleep(2 * time.Second) // so that no poll is at a full minute
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 0, 1).Add(-time.Second))
		s := news()
		s.Cron = "* * * * *"
		require.NoError(t, n.Schedule(t.Context(), s))
		sleepUntil(at(1, 1, 0, 1))
		require.Equal(t, []string{entry(at(1, 1, 0, 1), at(1, 1, 0, 1))}, st.occurrences())
	})
}

func TestAStoredScheduleThatNobodyCanReadStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n := scheduler(t, st, io.Discard)
		require.NoError(t, n.Schedule(t.Context(), news()))
		for name, s := range map[string]store.Schedule{
			"spec": {Spec: "from the future", Zone: "UTC"}, "zone": {Spec: "@daily", Zone: "Mars/Base"}, "body": {Spec: "@daily", Zone: "UTC", Body: []byte("{")},
		} {
			s.Name, s.NextAt = name, at(1, 1, 8, 0)
			require.NoError(t, st.SaveSchedule(t.Context(), s))
		}
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 9, 0).Add(2 * time.Second))
		require.Len(t, st.occurrences(), 1)
		require.Contains(t, st.occurrences()[0], "cron:news:")
		_, err := n.Schedules(t.Context(), "")
		require.ErrorContains(t, err, `"body"`)
	})
}

// In Berlin, the clock goes from two to three, so the first occurrence is in the gap. Two processes run, and one of them sends each occurrence.
func TestRunSendsEachOccurrenceOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(at(3, 26, 0, 59))
		st, d := memory.New(), &driver{}
		s := news()
		s.Cron, s.TimeZone = "30 2,3 * * *", "Europe/Berlin"
		n := durable(t, st, notify.Channels{"email": d})
		for _, n := range []*notify.Notifier{n, durable(t, st, notify.Channels{"email": d})} {
			require.NoError(t, n.Schedule(t.Context(), s))
			defer running(t, n)()
		}
		sleepUntil(at(3, 26, 2, 0))
		require.Equal(t, 2, d.calls())
		for i, due := range []time.Time{at(3, 26, 1, 0), at(3, 26, 1, 30)} {
			page, err := n.Log(t.Context(), notify.Query{Key: fmt.Sprintf("cron:news:%d", due.UnixMicro())})
			require.NoError(t, err)
			require.Len(t, page.Messages, 1)
			require.Equal(t, notify.Sent, page.Messages[0].Deliveries[0].Status)
			require.WithinDuration(t, due, d.at[i], time.Second)
		}
	})
}
