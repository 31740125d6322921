package notify_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
	"github.com/e7ddda3c/notify/template"
)

// flaky is a store whose AcceptMessages is the test's.
type flaky struct {
	*memory.Store
	accept func(context.Context, []store.NewMessage) ([]store.Acceptance, error)
	list   func(context.Context) error

	mu    sync.Mutex
	sizes []int // of each call
}

func (f *flaky) AcceptMessages(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
	f.mu.Lock()
	f.sizes = append(f.sizes, len(ms))
	f.mu.Unlock()
	if f.accept == nil {
		return f.Store.AcceptMessages(ctx, ms)
	}
	return f.accept(ctx, ms)
}

func (f *flaky) ListMessages(ctx context.Context, q store.MessageQuery) (store.MessagePage, error) {
	if f.list != nil {
		if err := f.list(ctx); err != nil {
			return store.MessagePage{}, err
		}
	}
	return f.Store.ListMessages(ctx, q)
}

// kept returns how many messages f has.
func (f *flaky) kept(t *testing.T) int {
	t.Helper()
	page, err := f.Store.ListMessages(t.Context(), store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Limit: 500})
	require.NoError(t, err)
	return len(page.Messages)
}

func TestSendReturnsWhenTheMessageIsDurable(t *testing.T) {
	n, d := stored(t, memory.New())
	r, err := n.Send(t.Context(), hello("pager"))
	require.NoError(t, err)
	require.Len(t, r.Deliveries, 1)
	o := r.Deliveries[0]
	require.Equal(t, notify.Accepted, o.Status)
	require.Equal(t, "ann", o.Recipient)
	require.False(t, o.Reached)
	require.WithinDuration(t, time.Now(), o.At, time.Second)
	require.Zero(t, d.calls())

	again, err := n.Report(t.Context(), r.ID)
	require.NoError(t, err)
	again.Deliveries[0].At, r.Deliveries[0].At = time.Time{}, time.Time{}
	again.Deliveries[0].Until = time.Time{}
	require.Equal(t, r, again)
}

func TestFaultsOfDeliveriesStandInTheReportAlone(t *testing.T) {
	set := template.Must(template.New(fstest.MapFS{"k/mail.text.tmpl": {Data: []byte("hi")}}, nil))
	var settled []notify.Outcome
	var told []notify.TransitionEvent
	n := newNotifier(t, notify.Config{
		Store: memory.New(), Templates: set, Channels: notify.Channels{"mail": &driver{}, "pager": &driver{}},
		OnOutcome:    func(o notify.Outcome) { settled = append(settled, o) },
		OnTransition: func(t notify.Transition) { told = append(told, t.Event) },
	})
	m := notify.Message{To: []notify.Recipient{{ID: "ann", Addresses: map[string][]string{"mail": {"a"}, "pager": {"1"}}}}, Template: "k"}
	r, err := n.Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, []notify.Status{notify.Accepted, notify.Failed}, statuses(r))
	bad := r.Deliveries[1]
	require.Equal(t, notify.ReasonRejected, bad.Reason)
	require.ErrorIs(t, bad.Err, template.ErrNoVariant, "its cause is there")
	require.ErrorIs(t, r.Err(), channel.Rejected)
	require.Equal(t, []notify.Outcome{bad}, settled)
	require.Equal(t, []notify.TransitionEvent{notify.TransitionAccepted, notify.TransitionAccepted, notify.TransitionSettled}, told)

	again, err := n.Report(t.Context(), r.ID)
	require.NoError(t, err)
	require.EqualError(t, again.Deliveries[1].Err, bad.Err.Error(), "it reads the same")
}

func TestARepeatedKeyGivesTheFirstReport(t *testing.T) {
	n, _ := stored(t, memory.New())
	m := keyed("k")
	first, err := n.Send(t.Context(), m)
	require.NoError(t, err)

	m.SendAt, m.ExpireAt = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	second, err := n.Send(t.Context(), m)
	require.NoError(t, err)
	require.True(t, second.Repeated)
	require.Equal(t, first.ID, second.ID)
	require.Equal(t, notify.Accepted, second.Deliveries[0].Status)

	other := m
	other.Content.Text = "other"
	r, err := n.Send(t.Context(), other)
	require.Zero(t, r)
	require.ErrorIs(t, err, notify.ErrKeyReused)
	requireField(t, "key", err)

	m.Tenant = "acme"
	third, err := n.Send(t.Context(), m)
	require.NoError(t, err)
	require.False(t, third.Repeated, "another tenant's key")
}

func TestARepeatedKeyGivesTheFirstReportHoweverLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: memory.New()}
		n, _ := stored(t, f)
		m := keyed("k")
		m.ExpireAt = in(time.Minute)
		first := accept(t, n, m)
		time.Sleep(time.Hour)
		again := accept(t, n, m)
		require.True(t, again.Repeated)
		require.Equal(t, first.ID, again.ID)

		other := m
		other.Content.Text = "other"
		_, err := n.Send(t.Context(), other)
		require.ErrorIs(t, err, notify.ErrKeyReused)

		for name, change := range map[string]func(*notify.Message){
			"without a key":    func(m *notify.Message) { m.Key = "" },
			"with another key": func(m *notify.Message) { m.Key = "other" },
			"another tenant's": func(m *notify.Message) { m.Tenant = "acme" },
		} {
			late := m
			change(&late)
			_, err := n.Send(t.Context(), late)
			require.Error(t, err, name)
			requireField(t, "expire_at", err)
		}
		_, err = n.In(f).Send(t.Context(), m)
		requireField(t, "expire_at", err)
		down := errors.New("connection refused")
		f.list = func(context.Context) error { return down }
		_, err = n.Send(t.Context(), m)
		require.ErrorIs(t, err, down, "nobody can tell")
		require.Equal(t, 1, f.kept(t))
	})
}

func TestARepeatedKeyMayComeWithASendAtBehindItsExpireAt(t *testing.T) {
	for name, late := range map[string]time.Duration{"that has passed": 2 * time.Hour, "that has not": time.Hour - time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flaky{Store: memory.New()}
				n, _ := stored(t, f)
				m := keyed("k")
				m.SendAt, m.ExpireAt = in(time.Minute), in(time.Hour)
				first := accept(t, n, m)
				time.Sleep(late)
				m.SendAt = in(time.Minute) // computed anew
				again := accept(t, n, m)
				require.True(t, again.Repeated)
				require.Equal(t, first.ID, again.ID)

				_, err := n.In(f).Send(t.Context(), m)
				requireField(t, "expire_at", err)
				m.Key = "other"
				_, err = n.Send(t.Context(), m)
				requireField(t, "expire_at", err)
				require.Equal(t, 1, f.kept(t))
			})
		})
	}
}

func TestAStoreRefusesWhatItCannotKeep(t *testing.T) {
	n, _ := stored(t, memory.New())
	tests := map[string]struct {
		change func(*notify.Message)
		field  string
	}{
		"a long key":               {func(m *notify.Message) { m.Key = strings.Repeat("x", 256) }, "key"},
		"a key with a NUL":         {func(m *notify.Message) { m.Key = "a\x00" }, "key"},
		"a tenant that is no text": {func(m *notify.Message) { m.Tenant = "\xff" }, "tenant"},
		"an id that is no text":    {func(m *notify.Message) { m.To[0].ID = "\xff" }, "to[0].id"},
		"content that is no text":  {func(m *notify.Message) { m.Content.HTML = "\xff" }, "content.html"},
		"expiry before it is sent": {func(m *notify.Message) { m.SendAt, m.ExpireAt = in(2*time.Hour), in(time.Hour) }, "expire_at"},
		"a date that has no JSON":  {func(m *notify.Message) { m.SendAt = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC) }, "send_at"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := hello("pager")
			tt.change(&m)
			r, err := n.Send(t.Context(), m)
			require.Zero(t, r)
			requireField(t, tt.field, err)
		})
	}
}

func TestAnAddressThatADatabaseRefusesFailsItsDeliveryAlone(t *testing.T) {
	n, _ := stored(t, memory.New())
	r, err := n.Send(t.Context(), notify.Message{To: notify.To("pager", "1", "2\x00"), Content: notify.Content{Text: "x"}})
	require.NoError(t, err)
	require.Equal(t, []notify.Status{notify.Accepted, notify.Failed}, statuses(r))
	require.ErrorIs(t, r.Deliveries[1].Err, channel.InvalidRecipient)
}

func TestAScheduledMessageIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := stored(t, memory.New())
		m := hello("pager")
		m.Class, m.SendAt = notify.OTP, in(time.Hour)
		r, err := n.Send(t.Context(), m)
		require.NoError(t, err)
		o := r.Deliveries[0]
		require.Equal(t, notify.Held, o.Status)
		require.Equal(t, notify.ReasonScheduled, o.Reason)
		require.True(t, o.Until.Equal(m.SendAt))
		page, err := n.Log(t.Context(), notify.Query{})
		require.NoError(t, err)
		require.True(t, page.Messages[0].ExpireAt.Equal(m.SendAt.Add(10*time.Minute)), "its life begins with SendAt")
		require.True(t, page.Messages[0].Deliveries[0].Until.Equal(m.SendAt))
	})
}

func TestAHundredSendsWithOneKeyAreOneMessage(t *testing.T) {
	f := &flaky{Store: memory.New()}
	n, _ := stored(t, f)
	var wg sync.WaitGroup
	ids, firsts := sync.Map{}, make(chan bool, 100)
	for range 100 {
		wg.Go(func() {
			r, err := n.Send(t.Context(), keyed("k"))
			if err == nil {
				ids.Store(r.ID, true)
				firsts <- !r.Repeated
			}
		})
	}
	wg.Wait()
	close(firsts)
	count, first := 0, 0
	ids.Range(func(any, any) bool { count++; return true })
	require.Equal(t, 1, count)
	require.Len(t, firsts, 100)
	for is := range firsts {
		if is {
			first++
		}
	}
	require.Equal(t, 1, first)
	require.Equal(t, 1, f.kept(t))
}

// busy starts a Send that stays in the store until it is let go, so that what comes next is merged.
func busy(t *testing.T, n *notify.Notifier, f *flaky, after func(context.Context, []store.NewMessage) ([]store.Acceptance, error)) (letGo func()) {
	t.Helper()
	hold, first := make(chan struct{}), true
	f.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
		f.mu.Lock()
		mine := first
		first = false
		f.mu.Unlock()
		if mine {
			<-hold
		} else if after != nil {
			return after(ctx, ms)
		}
		return f.Store.AcceptMessages(ctx, ms)
	}
	done := make(chan error, 1)
	go func() { _, err := n.Send(t.Context(), hello("pager")); done <- err }()
	synctest.Wait()
	return func() {
		close(hold)
		require.NoError(t, <-done)
	}
}

// sends calls Send with each key at once and returns the errors by key.
func sends(ctx context.Context, n *notify.Notifier, keys ...string) (wait func() map[string]error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := map[string]error{}
	for _, key := range keys {
		wg.Go(func() {
			_, err := n.Send(ctx, keyed(key))
			mu.Lock()
			defer mu.Unlock()
			errs[key] = err
		})
	}
	return func() map[string]error { wg.Wait(); return errs }
}

func TestConcurrentSendsGoInOneTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: memory.New()}
		n, _ := stored(t, f)
		letGo := busy(t, n, f, nil)
		wait := sends(t.Context(), n, "a", "b", "c", "d")
		synctest.Wait()
		letGo()
		for _, err := range wait() {
			require.NoError(t, err)
		}
		require.Equal(t, []int{1, 4}, f.sizes)
		require.Equal(t, 5, f.kept(t))
	})
}

func TestOneBadMessageDoesNotFailStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: memory.New()}
		n, _ := stored(t, f)
		letGo := busy(t, n, f, func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
			for _, m := range ms {
				switch m.Key {
				case "bad":
					return nil, errors.New("the value is out of range")
				case "deadly":
					panic("ouch")
				}
			}
			return f.Store.AcceptMessages(ctx, ms)
		})
		wait := sends(t.Context(), n, "a", "bad", "b", "deadly", "c")
		synctest.Wait()
		letGo()
		errs := wait()
		for _, good := range []string{"a", "b", "c"} {
			require.NoError(t, errs[good])
		}
		require.ErrorContains(t, errs["bad"], "nothing was accepted")
		require.ErrorContains(t, errs["deadly"], "nothing was accepted")
		require.NotContains(t, errs["deadly"].Error(), "ouch")
		require.Equal(t, 4, f.kept(t))
	})
}

func TestAStoreThatIsDownFailsAllSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: memory.New()}
		n, _ := stored(t, f)
		down := errors.New("connection refused")
		slow := func(ctx context.Context) error {
			select {
			case <-time.After(5 * time.Second):
				return down
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		letGo := busy(t, n, f, func(ctx context.Context, _ []store.NewMessage) ([]store.Acceptance, error) { return nil, slow(ctx) })
		f.list = slow
		keys := make([]string, 200)
		for i := range keys {
			keys[i] = strings.Repeat("k", i+1)
		}
		wait := sends(t.Context(), n, keys...)
		synctest.Wait()
		letGo()
		began := time.Now()
		errs := wait()
		require.Len(t, errs, 200)
		for _, err := range errs {
			require.ErrorIs(t, err, down)
			require.ErrorContains(t, err, "may have been accepted")
		}
		require.LessOrEqual(t, time.Since(began), 15*time.Second)
	})
}

func TestALostAnswerOfACommitIsFound(t *testing.T) {
	f := &flaky{Store: memory.New()}
	n, _ := stored(t, f)
	calls := 0
	f.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
		if calls++; calls == 1 {
			_, err := f.Store.AcceptMessages(ctx, ms)
			require.NoError(t, err)
		}
		return nil, errors.New("broken pipe")
	}
	r, err := n.Send(t.Context(), keyed("k"))
	require.NoError(t, err)
	require.False(t, r.Repeated)
	require.Equal(t, 1, f.kept(t))
}

func TestAnUnfitStoreIsNotAskedTwice(t *testing.T) {
	f := &flaky{Store: memory.New(), accept: func(context.Context, []store.NewMessage) ([]store.Acceptance, error) {
		return nil, store.ErrUnfit
	}}
	n, _ := stored(t, f)
	_, err := n.Send(t.Context(), hello("pager"))
	require.ErrorIs(t, err, store.ErrUnfit)
	require.Equal(t, []int{1}, f.sizes)
}

func TestSendReturnsWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: memory.New()}
		n, _ := stored(t, f)

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := n.Send(gone, hello("pager"))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "nothing was accepted")
		require.Empty(t, f.sizes)

		letGo := busy(t, n, f, func(ctx context.Context, _ []store.NewMessage) ([]store.Acceptance, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		queued, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err = n.Send(queued, hello("pager"))
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "nothing was accepted", "it still waited")

		merged, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wait := sends(merged, n, "a", "b")
		synctest.Wait()
		letGo()
		for _, err := range wait() {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "may have been accepted")
		}
	})
}

func TestACallThatHangsDoesNotHoldUpOthersForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: memory.New()}
		n, _ := stored(t, f)
		letGo := busy(t, n, f, nil)
		wait := sends(t.Context(), n, "a")
		time.Sleep(200 * time.Millisecond)
		began := time.Now()
		_, err := n.Send(t.Context(), keyed("b"))
		require.NoError(t, err)
		require.NoError(t, wait()["a"], "it went with the next one")
		require.Zero(t, time.Since(began))
		letGo()
	})
}

func TestCloseWaitsForWhatIsBeingAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flaky{Store: memory.New()}
		n, _ := stored(t, f)
		letGo := busy(t, n, f, nil)
		wait := sends(t.Context(), n, "a", "b")
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- n.Close(t.Context()) }()
		synctest.Wait()
		require.Empty(t, closed)
		_, err := n.Send(t.Context(), keyed("c"))
		require.ErrorIs(t, err, notify.ErrClosed)
		letGo()
		for _, err := range wait() {
			require.NoError(t, err)
		}
		require.NoError(t, <-closed)
		require.Equal(t, 3, f.kept(t))
	})
}

func TestAStoreThatDoesNotAnswerForEveryMessageHasFailed(t *testing.T) {
	f := &flaky{Store: memory.New(), accept: func(context.Context, []store.NewMessage) ([]store.Acceptance, error) { return nil, nil }}
	n, _ := stored(t, f)
	_, err := n.Send(t.Context(), hello("pager"))
	require.ErrorContains(t, err, "nothing was accepted")
}

func TestInATransactionTheStoreIsCalledAtOnceAndOnce(t *testing.T) {
	f := &flaky{Store: memory.New()}
	n, d := stored(t, memory.New())
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "host's")
	f.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
		require.Equal(t, "host's", ctx.Value(key{}))
		_, has := ctx.Deadline()
		require.False(t, has)
		return f.Store.AcceptMessages(ctx, ms)
	}
	r, err := n.In(f).Send(ctx, keyed("k"))
	require.NoError(t, err)
	require.Equal(t, []notify.Status{notify.Accepted}, statuses(r))
	require.Equal(t, 1, f.kept(t))
	require.Zero(t, d.calls())

	r, err = n.In(f).Send(ctx, keyed("k"))
	require.NoError(t, err)
	require.True(t, r.Repeated)

	f.accept = func(context.Context, []store.NewMessage) ([]store.Acceptance, error) {
		return nil, errors.New("aborted")
	}
	f.sizes = nil
	_, err = n.In(f).Send(ctx, keyed("other"))
	require.ErrorContains(t, err, "not accepted: aborted")
	require.Equal(t, []int{1}, f.sizes)

	_, err = n.In(nil).Send(ctx, keyed("k"))
	requireField(t, "in", err)
	_, err = newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}}).In(f).Send(ctx, hello("pager"))
	require.ErrorIs(t, err, notify.ErrNeedsStore)
}
