package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

func TestWaitReturnsWhenEverythingIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		n, d := stored(t, s)
		d.takes = 3 * time.Second
		r := accept(t, n, hello("pager"))

		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := n.Wait(short, r.ID)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []notify.Status{notify.Accepted}, statuses(r), "the report so far")

		other, _ := stored(t, s) // another process, which must poll
		stop := running(t, n)
		began := time.Now()
		done := make(chan error, 1)
		var took time.Duration
		go func() {
			_, err := other.Wait(t.Context(), r.ID)
			took = time.Since(began)
			done <- err
		}()
		r = settled(t, n, r.ID)
		require.Equal(t, []notify.Status{notify.Sent}, statuses(r))
		require.True(t, r.Deliveries[0].Reached)
		require.Less(t, time.Since(began), 3*time.Second+50*time.Millisecond, "this process is told")
		require.NoError(t, <-done)
		require.Less(t, took, 4100*time.Millisecond, "the other process polls once a second")
		stop()

		_, err = n.Wait(t.Context(), notify.NewID(time.Now()))
		require.ErrorIs(t, err, notify.ErrNotFound)
		_, err = n.Wait(t.Context(), "no id")
		require.ErrorIs(t, err, notify.ErrNotFound)
	})
}

func TestWithoutAStoreThereIsNoLog(t *testing.T) {
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": &driver{}}})
	id, q := notify.NewID(time.Now()), notify.Query{User: "ann"}
	_, wait := n.Wait(t.Context(), id)
	_, report := n.Report(t.Context(), id)
	_, log := n.Log(t.Context(), q)
	_, explain := n.Explain(t.Context(), id)
	_, cancel := n.Cancel(t.Context(), q)
	for _, err := range []error{wait, report, log, explain, cancel} {
		require.ErrorIs(t, err, notify.ErrNeedsStore)
	}
}

func TestTheLogSaysAllButTheContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, d := stored(t, memory.New())
		d.answers = []error{&channel.Error{Kind: channel.Temporary, Code: "421", Err: errors.New("pager: busy")}, nil}
		m := keyed("k")
		m.Tenant, m.Category, m.Class = "acme", "billing", notify.Notice
		r := accept(t, n, m)
		stop := running(t, n)
		settled(t, n, r.ID)
		stop()

		page, err := n.Log(t.Context(), notify.Query{Tenant: "acme", Key: "k", Statuses: []notify.Status{notify.Sent}, Attempts: true})
		require.NoError(t, err)
		require.Len(t, page.Messages, 1)
		e := page.Messages[0]
		require.Equal(t, r.ID, e.ID)
		require.Equal(t, "billing", e.Category)
		require.Equal(t, "all", e.Dispatcher)
		require.Len(t, e.Attempts, 2)
		require.Equal(t, "421", e.Attempts[0].Failure.Code)
		require.Equal(t, "id-2", e.Attempts[1].ProviderID)
		require.Equal(t, r.Deliveries[0].ID, e.Attempts[1].Delivery)

		b, err := json.Marshal(page)
		require.NoError(t, err)
		require.NotContains(t, string(b), "World")
		var back notify.Page
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, page, back)

		page, err = n.Log(t.Context(), notify.Query{Key: "k"})
		require.NoError(t, err)
		require.Empty(t, page.Messages, "the message is another tenant's")
	})
}

func TestTheLogHasPages(t *testing.T) {
	n, _ := stored(t, memory.New())
	for i := range 5 {
		accept(t, n, keyed(fmt.Sprint(i)))
	}
	seen := map[string]bool{}
	q := notify.Query{AnyTenant: true, Limit: 2}
	for range 3 {
		page, err := n.Log(t.Context(), q)
		require.NoError(t, err)
		for _, e := range page.Messages {
			seen[e.Key] = true
		}
		q.Cursor = page.Cursor
	}
	require.Empty(t, q.Cursor)
	require.Len(t, seen, 5)
}

func TestAQueryWithAnUnknownWordIsRefused(t *testing.T) {
	n, _ := stored(t, memory.New())
	tests := map[string]struct {
		q     notify.Query
		field string
	}{
		"a status":          {notify.Query{Statuses: []notify.Status{"sent", "sended"}}, "statuses[1]"},
		"a reason":          {notify.Query{Reasons: []notify.Reason{"because"}}, "reasons[0]"},
		"a class":           {notify.Query{Class: "urgent"}, "class"},
		"an id":             {notify.Query{ID: "7"}, "id"},
		"a cursor":          {notify.Query{Cursor: "7"}, "cursor"},
		"a limit":           {notify.Query{Limit: 501}, "limit"},
		"a user with a NUL": {notify.Query{User: "\x00"}, "user"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := n.Log(t.Context(), tt.q)
			requireField(t, tt.field, err)
		})
	}
}

func TestWhatIsCanceledDoesNotGoOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []notify.Outcome
		d := &driver{takes: time.Second}
		n := newNotifier(t, notify.Config{
			Store: memory.New(), Channels: notify.Channels{"pager": d}, OnOutcome: func(o notify.Outcome) { told = append(told, o) },
		})
		stop := running(t, n)
		called := accept(t, n, keyed("called"))
		later := keyed("later")
		later.SendAt = in(time.Minute)
		held := accept(t, n, later)
		time.Sleep(500 * time.Millisecond)

		count, err := n.Cancel(t.Context(), notify.Query{User: "ann"})
		require.NoError(t, err)
		require.Equal(t, 1, count, "the other one is in flight")
		r := settled(t, n, held.ID)
		require.Equal(t, []notify.Status{notify.Canceled}, statuses(r))
		require.Len(t, told, 1)
		require.Equal(t, r.Deliveries[0], told[0])

		r = settled(t, n, called.ID)
		require.Equal(t, []notify.Status{notify.Sent}, statuses(r))
		require.Equal(t, notify.ReasonTooLate, r.Deliveries[0].Reason)
		time.Sleep(2 * time.Minute)
		require.Equal(t, 1, d.calls())
		stop()
	})
}

func TestReleaseAndReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, d := stored(t, memory.New())
		d.answers = []error{fails(channel.Rejected), nil}
		stop := running(t, n)
		m := hello("pager")
		m.SendAt = in(24 * time.Hour)
		m.To[0].Addresses["pager"] = []string{"1", ""} // the second address is invalid
		sent := accept(t, n, m)
		require.Equal(t, []notify.Status{notify.Held, notify.Failed}, statuses(sent))

		count, err := n.Release(t.Context(), notify.Query{ID: sent.ID})
		require.NoError(t, err)
		require.Equal(t, 1, count)
		r := settled(t, n, sent.ID)
		require.Equal(t, []notify.Status{notify.Failed, notify.Failed}, statuses(r))

		count, err = n.Replay(t.Context(), notify.Query{ID: sent.ID})
		require.NoError(t, err)
		require.Equal(t, 2, count)
		r = settled(t, n, sent.ID)
		require.Equal(t, []notify.Status{notify.Sent, notify.Failed}, statuses(r))
		require.Equal(t, sent.Deliveries[1].Reason, r.Deliveries[1].Reason)
		require.EqualError(t, r.Deliveries[1].Err, sent.Deliveries[1].Err.Error(), "an invalid address stays invalid")
		require.Equal(t, 2, d.calls())
		stop()
	})
}

func TestAChangeOfEverythingIsRefused(t *testing.T) {
	n, _ := stored(t, memory.New())
	accept(t, n, hello("pager"))
	for _, q := range []notify.Query{{}, {AnyTenant: true}, {Limit: 3}, {Attempts: true}} {
		_, err := n.Cancel(t.Context(), q)
		requireField(t, "query", err)
	}
	_, err := n.Replay(t.Context(), notify.Query{User: "ann", Cursor: "x"})
	requireField(t, "cursor", err)
}

func TestExplainSaysWhatIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		n, d := stored(t, s)
		d.answers = []error{
			&channel.Error{Kind: channel.Uncertain, Code: "x1", Err: errors.New("pager: lost\nit")}, fails(channel.Misconfigured),
		}
		m := keyed("k")
		m.Tenant, m.Category = "acme", "billing"
		r := accept(t, n, m)
		text, err := n.Explain(t.Context(), r.ID)
		require.NoError(t, err)
		require.Contains(t, text, "no process has taken it yet")

		stop := running(t, n)
		time.Sleep(5 * time.Second)
		text, err = n.Explain(t.Context(), r.ID)
		require.NoError(t, err)
		stop()
		for _, want := range []string{
			"message " + r.ID + " was accepted at 2000-01-01 00:00:00.000\n",
			`class transactional, dispatcher all, tenant "acme", key "k", category "billing"`,
			`recipient 0 ("ann") is not reached, or not yet`,
			r.Deliveries[0].ID + " on pager: held, paused since ", "after 2 attempts",
			"the recipient may have got it more than once", "the channel pager is paused until ",
			"attempt 1 at ", ": pager: lost it (uncertain, code x1)", "attempt 2 at ",
		} {
			require.Contains(t, text, want)
		}
		require.NotContains(t, text, "ann-pager", "no address")
		require.NotContains(t, text, "World", "no content")
	})
}

func TestWhatNobodyClaimsIsLoggedOnce(t *testing.T) {
	tests := map[string]struct {
		run  bool // in another process
		want int
	}{
		"nobody runs":                       {want: 1},
		"another process runs on the store": {run: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				s := memory.New()
				n := newNotifier(t, notify.Config{
					Store: s, Channels: notify.Channels{"pager": &driver{}}, Logger: slog.New(slog.NewTextHandler(&out, nil)),
				})
				if tt.run {
					other, _ := stored(t, s)
					defer running(t, other)()
				}
				for range 200 {
					accept(t, n, hello("pager"))
					time.Sleep(time.Second)
				}
				require.Equal(t, tt.want, bytes.Count(out.Bytes(), []byte("level=WARN")), out.String())
			})
		})
	}
}

func TestAReportReachesNobodyBeforeItIsCertain(t *testing.T) {
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"a": &driver{}}})
	report := func(dispatcher string, ss ...notify.Status) []bool {
		rec := store.MessageRecord{Message: store.Message{ID: notify.NewID(time.Now()), Dispatcher: dispatcher}}
		for i, s := range ss {
			rec.Deliveries = append(rec.Deliveries, store.Delivery{DeliveryRef: store.DeliveryRef{Place: i}, Lane: "a/otp", Status: s})
		}
		var reached []bool
		for _, o := range n.ReportOf(rec).Deliveries {
			reached = append(reached, o.Reached)
		}
		return reached
	}
	require.Equal(t, []bool{false, false}, report("all", notify.Sent, notify.Accepted))
	require.Equal(t, []bool{true, true}, report("all", notify.Sent, notify.Delivered))
	require.Equal(t, []bool{true, true}, report("first", notify.Sent, notify.Held))
	require.Equal(t, []bool{false}, report("of another process", notify.Sent))
}
