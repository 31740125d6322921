package notify_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store/memory"
)

// dispatched returns a Notifier that runs on a store, with d under the name "mine".
func dispatched(t *testing.T, d notify.Dispatcher, channels notify.Channels) *notify.Notifier {
	t.Helper()
	n := newNotifier(t, notify.Config{
		Store: memory.New(), Channels: channels, Dispatchers: map[string]notify.Dispatcher{"mine": d},
		Policies: map[string]notify.Policy{"": {Backoff: time.Second}},
	})
	running(t, n)
	return n
}

// send sends a message to ann over email, sms and phone.
func send(t *testing.T, n *notify.Notifier, dispatcher string) notify.Report {
	t.Helper()
	m := hello("email", "sms", "phone")
	m.Dispatcher = dispatcher
	return accept(t, n, m)
}

func TestFirstWithAStoreGoesFromOneToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		email, sms, phone := &driver{answers: []error{fails(channel.Unreachable)}}, &driver{answers: []error{fails(channel.Temporary), nil}}, &driver{}
		n := durable(t, memory.New(), notify.Channels{"email": email, "sms": sms, "phone": phone})
		running(t, n)
		r := settled(t, n, send(t, n, "first").ID)
		require.Equal(t, []notify.Status{notify.Failed, notify.Sent, notify.Suppressed}, statuses(r))
		require.NoError(t, r.Err())
		require.Equal(t, []int{1, 2, 0}, []int{email.calls(), sms.calls(), phone.calls()})
	})
}

func TestFirstAtALevelMovesOnInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		email, sms, phone := &driver{}, &driver{}, &driver{}
		n := dispatched(t, notify.First(notify.Delivered, time.Minute), notify.Channels{"email": email, "sms": sms, "phone": phone})
		began := time.Now()
		id := send(t, n, "mine").ID
		time.Sleep(90 * time.Second)
		require.Equal(t, []int{1, 1, 0}, []int{email.calls(), sms.calls(), phone.calls()})
		require.WithinDuration(t, began.Add(time.Minute), sms.at[0], 50*time.Millisecond)
		report := reported(t, n, id)
		require.NoError(t, n.Receive(t.Context(), channel.Receipt{DeliveryID: report.Deliveries[1].ID, Event: channel.Delivered}))
		r := settled(t, n, id)
		require.Equal(t, []notify.Status{notify.Sent, notify.Delivered, notify.Suppressed}, statuses(r))
		require.WithinDuration(t, began.Add(90*time.Second), time.Now(), 2*time.Second, "a receipt wakes the peers at once")
	})
}

func TestEscalateTriesTheNextUntilItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		email, sms, phone := &driver{}, &driver{}, &driver{}
		n := dispatched(t, notify.Escalate(time.Hour), notify.Channels{"email": email, "sms": sms, "phone": phone})
		began := time.Now()
		id := send(t, n, "mine").ID
		time.Sleep(150 * time.Minute)
		require.Equal(t, []int{1, 1, 1}, []int{email.calls(), sms.calls(), phone.calls()})
		require.WithinDuration(t, began.Add(2*time.Hour), phone.at[0], 100*time.Millisecond)
		r := settled(t, n, id)
		require.True(t, r.Deliveries[0].Reached, "a delivery that was sent reaches its recipient")
	})
}

func TestAWaitIsNeverLongerThanAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		d := fakeDispatcher{waits: true, next: func(now time.Time, ds []notify.Progress) []notify.Step {
			if asked++; asked > 3 {
				return []notify.Step{{Action: notify.Start}, {Action: notify.Start}, {Action: notify.Start}}
			}
			return []notify.Step{{Action: notify.Wait, Until: now.AddDate(9, 0, 0)}, {Action: notify.Wait}, {}}
		}}
		n := dispatched(t, d, notify.Channels{"email": &driver{}, "sms": &driver{}, "phone": &driver{}})
		began := time.Now()
		r := settled(t, n, send(t, n, "mine").ID)
		require.Equal(t, []notify.Status{notify.Sent, notify.Sent, notify.Sent}, statuses(r))
		require.WithinDuration(t, began.Add(time.Hour), time.Now(), 5*time.Second)
	})
}

func TestADispatcherThatLeavesTheLastOneWithoutAStepIsAtFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := fakeDispatcher{waits: true, next: func(_ time.Time, ds []notify.Progress) []notify.Step {
			return []notify.Step{{Action: notify.Start}, {}, {}}
		}}
		n := dispatched(t, d, notify.Channels{"email": &driver{}, "sms": &driver{}, "phone": &driver{}})
		r := settled(t, n, send(t, n, "mine").ID)
		require.Equal(t, []notify.Reason{"", notify.ReasonStuck, notify.ReasonStuck}, reasons(r))
	})
}

func TestADispatcherThatPanicsCostsDelayAndNotLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fixed atomic.Bool
		d := fakeDispatcher{waits: true, next: func(_ time.Time, ds []notify.Progress) []notify.Step {
			if !fixed.Load() {
				panic("oops")
			}
			return []notify.Step{{Action: notify.Start}, {Action: notify.Start}, {Action: notify.Start}}
		}}
		email := &driver{}
		n := dispatched(t, d, notify.Channels{"email": email, "sms": &driver{}, "phone": &driver{}})
		id := send(t, n, "mine").ID
		time.Sleep(time.Hour)
		require.Zero(t, email.calls())
		fixed.Store(true)
		require.Equal(t, []notify.Status{notify.Sent, notify.Sent, notify.Sent}, statuses(settled(t, n, id)))
	})
}

func TestADispatcherThatHangsHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, fixed := 0, make(chan struct{})
		d := fakeDispatcher{waits: true, next: func(_ time.Time, ds []notify.Progress) []notify.Step {
			asked++
			<-fixed
			return []notify.Step{{Action: notify.Start}, {Action: notify.Start}, {Action: notify.Start}}
		}}
		email := &driver{}
		n := dispatched(t, d, notify.Channels{"email": email, "sms": &driver{}, "phone": &driver{}})
		id := send(t, n, "mine").ID
		synctest.Wait()
		began := time.Now()
		for range 3 {
			settled(t, n, accept(t, n, hello("email")).ID)
		}
		require.Less(t, time.Since(began), 7*time.Second)
		time.Sleep(time.Hour)
		require.Equal(t, 1, asked, "while one call hangs, no other is made")
		require.Equal(t, 3, email.calls())
		close(fixed)
		require.Equal(t, []notify.Status{notify.Sent, notify.Sent, notify.Sent}, statuses(settled(t, n, id)))
	})
}

func TestADispatcherThatDoesNotSayWhomItReachedHoldsUpNoSettlement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, email := make(chan struct{}), &driver{}
		d := fakeDispatcher{next: notify.All().Next, reached: func([]notify.Progress) bool { <-release; return true }}
		var told atomic.Int64
		n := newNotifier(t, notify.Config{
			Store: memory.New(), Channels: notify.Channels{"email": email, "sms": &driver{}, "phone": &driver{}},
			Dispatchers: map[string]notify.Dispatcher{"mine": d}, OnOutcome: func(notify.Outcome) { told.Add(1) },
		})
		stop := running(t, n)
		mine := hello("email")
		mine.Dispatcher = "mine"
		for range 10 {
			go func() { _, _ = n.Send(context.Background(), mine) }() // asks Reached, too
		}
		synctest.Wait()
		for range 100 {
			go func() { _, _ = n.Send(context.Background(), hello("email")) }()
		}
		time.Sleep(20 * time.Second)
		require.Equal(t, 110, email.calls())
		require.Equal(t, int64(110), told.Load())
		stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, n.Close(ctx), context.DeadlineExceeded, "Close waits for the calls of the dispatcher")
		close(release)
	})
}
