package notify_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
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

func TestSendReturnsWhenTheMessageIsDurable(t *testing.T) {
	n, d := stored(t, memory.New())
	r := accept(t, n, hello("pager"))
	require.Len(t, r.Deliveries, 1)
	o := r.Deliveries[0]
	require.Equal(t, notify.Accepted, o.Status)
	require.Equal(t, "ann", o.Recipient)
	require.False(t, o.Reached)
	require.WithinDuration(t, time.Now(), o.At, time.Second)
	require.Zero(t, d.calls())

	again := reported(t, n, r.ID)
	again.Deliveries[0].At, r.Deliveries[0].At = time.Time{}, time.Time{}
	again.Deliveries[0].Until = time.Time{}
	require.Equal(t, r, again)
}

func TestFaultsOfDeliveriesStandInTheReportAlone(t *testing.T) {
	set := template.Must(template.New(fstest.MapFS{"k/mail.text.tmpl": {Data: []byte("hi")}}, nil))
	var told []notify.Outcome
	var traced transitionLog
	n := newNotifier(t, notify.Config{
		Store: memory.New(), Templates: set, Channels: notify.Channels{"mail": &driver{}, "pager": &driver{}},
		OnOutcome: func(o notify.Outcome) { told = append(told, o) }, OnTransition: traced.add,
	})
	m := notify.Message{To: []notify.Recipient{{ID: "ann", Addresses: map[string][]string{"mail": {"a"}, "pager": {"1"}}}}, Template: "k"}
	r := accept(t, n, m)
	require.Equal(t, []notify.Status{notify.Accepted, notify.Failed}, statuses(r))
	bad := r.Deliveries[1]
	require.Equal(t, notify.ReasonRejected, bad.Reason)
	require.ErrorIs(t, bad.Err, template.ErrNoVariant, "the cause is kept")
	require.ErrorIs(t, r.Err(), channel.Rejected)
	require.Equal(t, []notify.Outcome{bad}, told)
	require.Equal(t, []notify.TransitionEvent{notify.TransitionAccepted, notify.TransitionAccepted, notify.TransitionSettled}, traced.events())

	again := reported(t, n, r.ID)
	require.EqualError(t, again.Deliveries[1].Err, bad.Err.Error(), "the stored error has the same text")
}

func TestARepeatedKeyGivesTheFirstReport(t *testing.T) {
	n, _ := stored(t, memory.New())
	m := keyed("k")
	first := accept(t, n, m)

	m.SendAt, m.ExpireAt = in(time.Hour), in(2*time.Hour)
	second := accept(t, n, m)
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
	third := accept(t, n, m)
	require.False(t, third.Repeated, "each tenant has keys of its own")
}

func TestARepeatedKeyGivesTheFirstReportHoweverLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n, _ := stored(t, st)
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
		_, err = n.In(st).Send(t.Context(), m)
		requireField(t, "expire_at", err)
		down := errors.New("connection refused")
		st.fail(down, listMessages)
		_, err = n.Send(t.Context(), m)
		require.ErrorIs(t, err, down, "the key cannot be looked up")
		require.Equal(t, 1, st.kept(t))
	})
}

func TestARepeatedKeyMayComeWithASendAtBehindItsExpireAt(t *testing.T) {
	for name, late := range map[string]time.Duration{"after its expiry": 2 * time.Hour, "before its expiry": time.Hour - time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st := newFakeStore(memory.New())
				n, _ := stored(t, st)
				m := keyed("k")
				m.SendAt, m.ExpireAt = in(time.Minute), in(time.Hour)
				first := accept(t, n, m)
				time.Sleep(late)
				m.SendAt = in(time.Minute) // computed anew
				again := accept(t, n, m)
				require.True(t, again.Repeated)
				require.Equal(t, first.ID, again.ID)

				_, err := n.In(st).Send(t.Context(), m)
				requireField(t, "expire_at", err)
				m.Key = "other"
				_, err = n.Send(t.Context(), m)
				requireField(t, "expire_at", err)
				require.Equal(t, 1, st.kept(t))
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
		"a long key":                {func(m *notify.Message) { m.Key = strings.Repeat("x", 256) }, "key"},
		"a key with a NUL":          {func(m *notify.Message) { m.Key = "a\x00" }, "key"},
		"a tenant of invalid UTF-8": {func(m *notify.Message) { m.Tenant = "\xff" }, "tenant"},
		"an id of invalid UTF-8":    {func(m *notify.Message) { m.To[0].ID = "\xff" }, "to[0].id"},
		"content of invalid UTF-8":  {func(m *notify.Message) { m.Content.HTML = "\xff" }, "content.html"},
		"an expiry before SendAt":   {func(m *notify.Message) { m.SendAt, m.ExpireAt = in(2*time.Hour), in(time.Hour) }, "expire_at"},
		"a time without JSON":       {func(m *notify.Message) { m.SendAt = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC) }, "send_at"},
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
	r := accept(t, n, notify.Message{To: notify.To("pager", "1", "2\x00"), Content: notify.Content{Text: "x"}})
	require.Equal(t, []notify.Status{notify.Accepted, notify.Failed}, statuses(r))
	require.ErrorIs(t, r.Deliveries[1].Err, channel.InvalidRecipient)
}

func TestAScheduledMessageIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := stored(t, memory.New())
		m := hello("pager")
		m.Class, m.SendAt = notify.OTP, in(time.Hour)
		r := accept(t, n, m)
		o := r.Deliveries[0]
		require.Equal(t, notify.Held, o.Status)
		require.Equal(t, notify.ReasonScheduled, o.Reason)
		require.True(t, o.Until.Equal(m.SendAt))
		page, err := n.Log(t.Context(), notify.Query{})
		require.NoError(t, err)
		require.True(t, page.Messages[0].ExpireAt.Equal(m.SendAt.Add(10*time.Minute)), "a code expires ten minutes after SendAt")
		require.True(t, page.Messages[0].Deliveries[0].Until.Equal(m.SendAt))
	})
}

func TestAHundredSendsWithOneKeyAreOneMessage(t *testing.T) {
	st := newFakeStore(memory.New())
	n, _ := stored(t, st)
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
	require.Equal(t, 1, st.kept(t))
}

// blocked starts a Send that stays in the store until release is called, so that further ones are accepted in batches. They go to next,
// or to the store if next is nil.
func blocked(t *testing.T, n *notify.Notifier, st *fakeStore, next func(context.Context, []store.NewMessage) ([]store.Acceptance, error)) (release func()) {
	t.Helper()
	if next == nil {
		next = st.accept
	}
	hold, calls := make(chan struct{}), atomic.Int64{}
	st.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
		if calls.Add(1) > 1 {
			return next(ctx, ms)
		}
		<-hold
		return st.Store.AcceptMessages(ctx, ms)
	}
	done := make(chan error, 1)
	go func() { _, err := n.Send(t.Context(), hello("pager")); done <- err }()
	synctest.Wait()
	return func() {
		close(hold)
		require.NoError(t, <-done)
	}
}

// sends sends a message with each of the keys, all at once. wait returns the errors by key.
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
		st := newFakeStore(memory.New())
		n, _ := stored(t, st)
		release := blocked(t, n, st, nil)
		wait := sends(t.Context(), n, "a", "b", "c", "d")
		synctest.Wait()
		release()
		for _, err := range wait() {
			require.NoError(t, err)
		}
		require.Equal(t, []int{1, 4}, st.batches)
		require.Equal(t, 5, st.kept(t))
	})
}

func TestOneBadMessageDoesNotFailStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n, _ := stored(t, st)
		release := blocked(t, n, st, func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
			for _, m := range ms {
				switch m.Key {
				case "bad":
					return nil, errors.New("the value is out of range")
				case "deadly":
					panic("ouch")
				}
			}
			return st.Store.AcceptMessages(ctx, ms)
		})
		wait := sends(t.Context(), n, "a", "bad", "b", "deadly", "c")
		synctest.Wait()
		release()
		errs := wait()
		for _, good := range []string{"a", "b", "c"} {
			require.NoError(t, errs[good])
		}
		require.ErrorContains(t, errs["bad"], "nothing was accepted")
		require.ErrorContains(t, errs["deadly"], "nothing was accepted")
		require.NotContains(t, errs["deadly"].Error(), "ouch")
		require.Equal(t, 4, st.kept(t))
	})
}

func TestAStoreThatIsDownFailsAllSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n, _ := stored(t, st)
		down := errors.New("connection refused")
		slow := func(ctx context.Context) error {
			select {
			case <-time.After(5 * time.Second):
				return down
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		release := blocked(t, n, st, func(ctx context.Context, _ []store.NewMessage) ([]store.Acceptance, error) { return nil, slow(ctx) })
		st.before(slow, listMessages)
		keys := make([]string, 200)
		for i := range keys {
			keys[i] = strings.Repeat("k", i+1)
		}
		wait := sends(t.Context(), n, keys...)
		synctest.Wait()
		release()
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
	st := newFakeStore(memory.New())
	n, _ := stored(t, st)
	calls := 0
	st.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
		if calls++; calls == 1 {
			_, err := st.Store.AcceptMessages(ctx, ms)
			require.NoError(t, err)
		}
		return nil, errors.New("broken pipe")
	}
	r := accept(t, n, keyed("k"))
	require.False(t, r.Repeated)
	require.Equal(t, 1, st.kept(t))
}

func TestAnUnfitStoreIsNotAskedTwice(t *testing.T) {
	st := newFakeStore(memory.New())
	st.fail(store.ErrUnfit, acceptMessages)
	n, _ := stored(t, st)
	_, err := n.Send(t.Context(), hello("pager"))
	require.ErrorIs(t, err, store.ErrUnfit)
	require.Equal(t, []int{1}, st.batches)
}

func TestSendReturnsWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n, _ := stored(t, st)

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := n.Send(gone, hello("pager"))
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, "nothing was accepted")
		require.Empty(t, st.batches)

		release := blocked(t, n, st, func(ctx context.Context, _ []store.NewMessage) ([]store.Acceptance, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		queued, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err = n.Send(queued, hello("pager"))
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "nothing was accepted", "it was still queued")

		merged, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wait := sends(merged, n, "a", "b")
		synctest.Wait()
		release()
		for _, err := range wait() {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "may have been accepted")
		}
	})
}

func TestACallThatHangsDoesNotHoldUpOthersForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n, _ := stored(t, st)
		release := blocked(t, n, st, nil)
		wait := sends(t.Context(), n, "a")
		time.Sleep(200 * time.Millisecond)
		began := time.Now()
		accept(t, n, keyed("b"))
		require.NoError(t, wait()["a"], "both are accepted in one batch")
		require.Zero(t, time.Since(began))
		release()
	})
}

func TestCloseWaitsForWhatIsBeingAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newFakeStore(memory.New())
		n, _ := stored(t, st)
		release := blocked(t, n, st, nil)
		wait := sends(t.Context(), n, "a", "b")
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- n.Close(t.Context()) }()
		synctest.Wait()
		require.Empty(t, closed)
		_, err := n.Send(t.Context(), keyed("c"))
		require.ErrorIs(t, err, notify.ErrClosed)
		release()
		for _, err := range wait() {
			require.NoError(t, err)
		}
		require.NoError(t, <-closed)
		require.Equal(t, 3, st.kept(t))
	})
}

func TestAStoreThatDoesNotAnswerForEveryMessageHasFailed(t *testing.T) {
	st := newFakeStore(memory.New())
	st.accept = func(context.Context, []store.NewMessage) ([]store.Acceptance, error) { return nil, nil }
	n, _ := stored(t, st)
	_, err := n.Send(t.Context(), hello("pager"))
	require.ErrorContains(t, err, "nothing was accepted")
}

func TestInATransactionTheStoreIsCalledAtOnceAndOnce(t *testing.T) {
	st := newFakeStore(memory.New())
	n, d := stored(t, memory.New())
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "host's")
	st.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
		require.Equal(t, "host's", ctx.Value(key{}))
		_, has := ctx.Deadline()
		require.False(t, has)
		return st.Store.AcceptMessages(ctx, ms)
	}
	r, err := n.In(st).Send(ctx, keyed("k"))
	require.NoError(t, err)
	require.Equal(t, []notify.Status{notify.Accepted}, statuses(r))
	require.Equal(t, 1, st.kept(t))
	require.Zero(t, d.calls())

	r, err = n.In(st).Send(ctx, keyed("k"))
	require.NoError(t, err)
	require.True(t, r.Repeated)

	st.fail(errors.New("aborted"), acceptMessages)
	st.batches = nil
	_, err = n.In(st).Send(ctx, keyed("other"))
	require.ErrorContains(t, err, "not accepted: aborted")
	require.Equal(t, []int{1}, st.batches)

	_, err = n.In(nil).Send(ctx, keyed("k"))
	requireField(t, "in", err)
	_, err = newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}}).In(st).Send(ctx, hello("pager"))
	require.ErrorIs(t, err, notify.ErrNeedsStore)
}
