package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// A ledger is a store that notes what it accepts, fails when it is told to, and whose schedules live by a clock that can be set.
type ledger struct {
	*memory.Store
	due, advance func() error // not nil: asked before each call

	mu       sync.Mutex
	accepted []string // the key and the time of each message
	texts    []string
	expire   []time.Time
	looks    int
	fast     atomic.Int64 // how far the clock of schedules is ahead, in ns
}

func (l *ledger) AcceptMessages(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
	as, err := l.Store.AcceptMessages(ctx, ms)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, a := range as {
		if a.First != nil {
			continue
		}
		var body struct{ Content notify.Content }
		if err := json.Unmarshal(ms[i].Body, &body); err != nil {
			return nil, err
		}
		l.accepted = append(l.accepted, ms[i].Tenant+"|"+ms[i].Key+" at "+time.Now().UTC().Format(time.DateTime))
		l.texts = append(l.texts, body.Content.Text)
		l.expire = append(l.expire, ms[i].ExpireAt)
	}
	return as, err
}

func (l *ledger) DueSchedules(ctx context.Context, limit int) (due []store.Schedule, now, next time.Time, err error) {
	if l.due != nil {
		if err := l.due(); err != nil {
			return nil, now, next, err
		}
	}
	l.mu.Lock()
	l.looks++
	l.mu.Unlock()
	fast := time.Duration(l.fast.Load())
	if fast == 0 {
		return l.Store.DueSchedules(ctx, limit)
	}
	all, err := l.Store.ListSchedules(ctx, "")
	now = time.Now().Add(fast).UTC()
	for _, s := range all {
		if !s.NextAt.After(now) {
			due = append(due, s)
		} else if next.IsZero() || s.NextAt.Before(next) {
			next = s.NextAt
		}
	}
	return due, now, next, err
}

func (l *ledger) AdvanceSchedule(ctx context.Context, tenant, name string, from, to time.Time) (bool, error) {
	if l.advance != nil {
		if err := l.advance(); err != nil {
			return false, err
		}
	}
	return l.Store.AdvanceSchedule(ctx, tenant, name, from, to)
}

// entry is how the ledger shows an occurrence of news.
func entry(due, accepted time.Time) string {
	return fmt.Sprintf("|cron:news:%d at %s", due.UnixMicro(), accepted.UTC().Format(time.DateTime))
}

// clockwork is a Notifier over a ledger.
func clockwork(t *testing.T, l *ledger, change func(*notify.Config)) *notify.Notifier {
	t.Helper()
	c := notify.Config{Channels: notify.Channels{"email": &driver{}}, Store: l}
	if change != nil {
		change(&c)
	}
	return newNotifier(t, c)
}

// logged is clockwork whose log can be read.
func logged(t *testing.T, l *ledger, log *bytes.Buffer) *notify.Notifier {
	t.Helper()
	n, err := notify.New(notify.Config{Channels: notify.Channels{"email": &driver{}}, Store: l, Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close(context.Background())) })
	return n
}

// ticking runs n's schedules until it is stopped.
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

// at is a time of the year in which bubbles begin.
func at(month time.Month, day, hour, minute int) time.Time {
	return time.Date(2000, month, day, hour, minute, 0, 0, time.UTC)
}

// sleepUntil returns when all that happens at t has happened.
func sleepUntil(t time.Time) {
	time.Sleep(time.Until(t))
	synctest.Wait()
}

// news is the daily schedule at nine o'clock UTC.
func news() notify.Schedule {
	s := daily()
	s.Name, s.TimeZone = "news", ""
	return s
}

func TestEachOccurrenceGoesOnce(t *testing.T) {
	for nodes := 1; nodes <= 2; nodes++ {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{Store: memory.New()}
				for range nodes {
					n := clockwork(t, l, nil)
					s := news()
					s.Cron = "0 9,11 * * *"
					require.NoError(t, n.Schedule(t.Context(), s), "each program stores it when it starts")
					defer ticking(t, n)()
				}
				sleepUntil(at(1, 1, 12, 0))
				require.Equal(t, []string{
					entry(at(1, 1, 9, 0), at(1, 1, 9, 0)),
					entry(at(1, 1, 11, 0), at(1, 1, 11, 0)),
				}, l.accepted)
			})
		})
	}
}

func TestAfterAWeekOneOccurrenceGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		n := clockwork(t, l, nil)
		require.NoError(t, n.Schedule(t.Context(), news()))
		sleepUntil(at(1, 8, 12, 0))
		defer ticking(t, n)()
		sleepUntil(at(1, 9, 12, 0))
		require.Equal(t, []string{
			entry(at(1, 1, 9, 0), at(1, 8, 12, 0)),
			entry(at(1, 9, 9, 0), at(1, 9, 9, 0)),
		}, l.accepted)
	})
}

func TestWhatHasExpiredIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		var log bytes.Buffer
		n := logged(t, l, &log)
		s := news()
		s.ExpireAfter = time.Hour
		require.NoError(t, n.Schedule(t.Context(), s))
		sleepUntil(at(1, 1, 10, 0))
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 10, 1))
		require.Regexp(t, "level=WARN .*expired.* schedule=news", log.String())
		require.NotContains(t, log.String(), "level=ERROR")
		sleepUntil(at(1, 2, 9, 0))
		require.Equal(t, []string{entry(at(1, 2, 9, 0), at(1, 2, 9, 0))}, l.accepted)
		require.Equal(t, []time.Time{at(1, 2, 10, 0)}, l.expire)
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
				l := &ledger{Store: memory.New()}
				n := clockwork(t, l, nil)
				s := news()
				s.Cron, s.TimeZone = tt.cron, "Europe/Berlin"
				require.NoError(t, n.Schedule(t.Context(), s))
				defer ticking(t, n)()
				sleepUntil(tt.until)
				var want []string
				for _, w := range tt.want {
					want = append(want, entry(w, w))
				}
				require.Equal(t, want, l.accepted)
			})
		})
	}
}

func TestACrashBetweenAcceptingAndMovingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New(), advance: func() error { return errors.New("gone") }}
		n := clockwork(t, l, nil)
		require.NoError(t, n.Schedule(t.Context(), news()))
		stop := ticking(t, n)
		sleepUntil(at(1, 1, 9, 1))
		stop()

		l.advance = nil
		defer ticking(t, clockwork(t, l, nil))()
		sleepUntil(at(1, 2, 12, 0))
		require.Equal(t, []string{
			entry(at(1, 1, 9, 0), at(1, 1, 9, 0)),
			entry(at(1, 2, 9, 0), at(1, 2, 9, 0)),
		}, l.accepted)
	})
}

func TestACrashAndThenAnotherText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New(), advance: func() error { return errors.New("gone") }}
		var log bytes.Buffer
		n := clockwork(t, l, nil)
		s := news()
		require.NoError(t, n.Schedule(t.Context(), s))
		stop := ticking(t, n)
		sleepUntil(at(1, 1, 9, 1))
		stop()

		l.advance = nil
		s.Message.Content.Text = "new"
		n = logged(t, l, &log)
		require.NoError(t, n.Schedule(t.Context(), s))
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 9, 2))
		require.Regexp(t, "level=WARN .*another text.* schedule=news", log.String())
		require.NotContains(t, log.String(), "level=ERROR")
		sleepUntil(at(1, 2, 9, 0))
		require.Equal(t, []string{"hello", "new"}, l.texts, "the occurrence of the first day had gone out")
	})
}

func TestReplacingADueSchedule(t *testing.T) {
	tests := map[string]struct {
		change func(*notify.Schedule)
		want   []string
		text   string
	}{
		"its message goes out in its new form": {func(s *notify.Schedule) { s.Message.Content.Text = "new" },
			[]string{entry(at(1, 1, 9, 0), at(1, 1, 10, 0)), entry(at(1, 2, 9, 0), at(1, 2, 9, 0))}, "new"},
		"at another time, only that counts": {func(s *notify.Schedule) { s.Cron = "0 11 * * *" },
			[]string{entry(at(1, 1, 11, 0), at(1, 1, 11, 0)), entry(at(1, 2, 11, 0), at(1, 2, 11, 0))}, "hello"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &ledger{Store: memory.New()}
				n := clockwork(t, l, nil)
				s := news()
				require.NoError(t, n.Schedule(t.Context(), s))
				sleepUntil(at(1, 1, 10, 0))
				tt.change(&s)
				require.NoError(t, n.Schedule(t.Context(), s))
				defer ticking(t, n)()
				sleepUntil(at(1, 2, 12, 0))
				require.Equal(t, tt.want, l.accepted)
				require.Equal(t, []string{tt.text, tt.text}, l.texts)
			})
		})
	}
}

func TestUnscheduledIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		n := clockwork(t, l, nil)
		require.NoError(t, n.Schedule(t.Context(), news()))
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 12, 0))
		found, err := n.Unschedule(t.Context(), "", "news")
		require.NoError(t, err)
		require.True(t, found)
		sleepUntil(at(1, 3, 12, 0))
		require.Len(t, l.accepted, 1)
	})
}

func TestAClockThatLeapsBringsNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		n := clockwork(t, l, nil)
		s := news()
		s.Cron = "@hourly"
		require.NoError(t, n.Schedule(t.Context(), s))
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 0, 30))
		l.fast.Store(int64(10 * 24 * time.Hour))
		sleepUntil(at(1, 1, 2, 30))
		require.Len(t, l.accepted, 3)
		require.Equal(t, []string{
			entry(at(1, 11, 1, 0), at(1, 1, 1, 0)),
			entry(at(1, 11, 2, 0), at(1, 1, 2, 0)),
		}, l.accepted[1:])
		require.Contains(t, l.accepted[0], fmt.Sprint(at(1, 1, 1, 0).UnixMicro()))
	})
}

func TestARefusedScheduleStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		before := clockwork(t, l, func(c *notify.Config) { c.Channels["pager"] = &driver{} })
		gone := news()
		gone.Name, gone.Message = "gone", hello("pager")
		require.NoError(t, before.Schedule(t.Context(), gone))
		require.NoError(t, before.Schedule(t.Context(), news()))

		var log bytes.Buffer
		n := logged(t, l, &log)
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 12, 0))
		require.Len(t, l.accepted, 1)
		require.Contains(t, log.String(), "level=ERROR")
		require.Contains(t, log.String(), "schedule=gone")
		require.NotContains(t, log.String(), "ann-pager")
		require.Equal(t, 1, strings.Count(log.String(), "schedule=gone"), "it is tried once")
		all, err := n.Schedules(t.Context(), "")
		require.NoError(t, err)
		require.Equal(t, at(1, 2, 9, 0), all[0].NextAt)
	})
}

// moody is a directory that can be down.
type moody struct {
	mu    sync.Mutex
	down  bool
	asked int
}

func (d *moody) set(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down, d.asked = down, 0
}

func (d *moody) Recipients(_ context.Context, _ string, ids []string) ([]notify.Recipient, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.down {
		return nil, errDown
	}
	var found []notify.Recipient
	for _, id := range ids {
		found = append(found, notify.Recipient{ID: id, Addresses: map[string][]string{"email": {id + "@example.com"}}})
	}
	return found, nil
}

func TestADirectoryThatIsDownDelaysItsOwnOccurrencesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := &ledger{Store: memory.New()}, &moody{}
		n := clockwork(t, l, func(c *notify.Config) { c.Directory = d })
		const many = 120 // more than are read at a time
		for i := range many {
			s := news()
			s.Name, s.Cron, s.Message.To = fmt.Sprint("user-", i), "59 8 * * *", notify.Users("ann")
			require.NoError(t, n.Schedule(t.Context(), s))
		}
		require.NoError(t, n.Schedule(t.Context(), news()))
		d.set(true)
		defer ticking(t, n)()

		sleepUntil(at(1, 1, 9, 0).Add(2 * time.Second))
		require.Len(t, l.accepted, 1)
		require.Contains(t, l.accepted[0], "cron:news:")
		sleepUntil(at(1, 1, 9, 10))
		require.Less(t, d.asked, many*20, "about once a minute each")
		d.set(false)
		sleepUntil(at(1, 1, 9, 12))
		require.Len(t, l.accepted, many+1)
		require.Equal(t, many, d.asked)
	})
}

func TestAStoreThatFailsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		n := clockwork(t, l, nil)
		require.NoError(t, n.Schedule(t.Context(), news()))
		var calls int
		l.due = func() error {
			if calls++; time.Now().Before(at(1, 1, 9, 10)) {
				if calls%2 == 0 {
					panic("driver")
				}
				return errors.New("disk")
			}
			return nil
		}
		sleepUntil(at(1, 1, 8, 0))
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 9, 10).Add(6 * time.Second))
		require.Len(t, l.accepted, 1)
		require.Less(t, calls, 70*60/4, "every five seconds")
	})
}

func TestAScheduleThatDoesNotMoveMakesNoSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New(), advance: func() error { return errors.New("read-only") }}
		n := clockwork(t, l, nil)
		require.NoError(t, n.Schedule(t.Context(), news()))
		sleepUntil(at(1, 1, 9, 0))
		l.looks = 0
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 10, 0))
		require.Len(t, l.accepted, 1)
		require.Less(t, l.looks, 2*3600)
	})
}

func TestANewScheduleWakesTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		n := clockwork(t, l, nil)
		time.Sleep(2 * time.Second) // so that no look is at a full minute
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 0, 1).Add(-time.Second))
		s := news()
		s.Cron = "* * * * *"
		require.NoError(t, n.Schedule(t.Context(), s))
		sleepUntil(at(1, 1, 0, 1))
		require.Equal(t, []string{entry(at(1, 1, 0, 1), at(1, 1, 0, 1))}, l.accepted)
	})
}

func TestAStoredScheduleThatNobodyCanReadStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{Store: memory.New()}
		n := clockwork(t, l, nil)
		require.NoError(t, n.Schedule(t.Context(), news()))
		for name, s := range map[string]store.Schedule{
			"spec": {Spec: "from the future", Zone: "UTC"}, "zone": {Spec: "@daily", Zone: "Mars/Base"}, "body": {Spec: "@daily", Zone: "UTC", Body: []byte("{")},
		} {
			s.Name, s.NextAt = name, at(1, 1, 8, 0)
			require.NoError(t, l.SaveSchedule(t.Context(), s))
		}
		defer ticking(t, n)()
		sleepUntil(at(1, 1, 9, 0).Add(2 * time.Second))
		require.Len(t, l.accepted, 1)
		require.Contains(t, l.accepted[0], "cron:news:")
		_, err := n.Schedules(t.Context(), "")
		require.ErrorContains(t, err, `"body"`)
	})
}

// In Berlin the clock goes from two to three: the first occurrence is in the gap. Both processes run, and one sends each.
func TestRunSendsEachOccurrenceOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(at(3, 26, 0, 59))
		l, d := &ledger{Store: memory.New()}, &driver{}
		s := news()
		s.Cron, s.TimeZone = "30 2,3 * * *", "Europe/Berlin"
		n := clockwork(t, l, func(c *notify.Config) { c.Channels["email"] = d })
		for _, n := range []*notify.Notifier{n, clockwork(t, l, func(c *notify.Config) { c.Channels["email"] = d })} {
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
