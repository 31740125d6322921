package notify_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// A mortal is one process's way to the store. Once it is dead nothing passes.
type mortal struct {
	*memory.Store
	day  *badDay
	dead atomic.Bool
	lame bool // wakes nobody
}

func (m *mortal) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	if m.dead.Load() {
		return store.Leases{}, errCrashed
	}
	began := m.day.tick()
	leases, err := m.Store.LeaseDeliveries(ctx, r)
	m.day.claimed(began, leases.Deliveries)
	return leases, err
}

func (m *mortal) ExtendLeases(ctx context.Context, es []store.Extension, d time.Duration) ([]store.DeliveryRef, error) {
	if m.dead.Load() {
		return nil, errCrashed
	}
	return m.Store.ExtendLeases(ctx, es, d)
}

func (m *mortal) SettleDeliveries(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
	if m.dead.Load() {
		return nil, errCrashed
	}
	if m.lame {
		for i := range ss {
			ss[i].Wake = false
		}
	}
	return m.Store.SettleDeliveries(ctx, ss)
}

// A badDay is what happens to all processes, and what came of it.
type badDay struct {
	clock  atomic.Int64 // counts events
	mu     sync.Mutex
	rand   *rand.Rand
	claims map[string]int64 // by delivery: the event before its last claim
	reads  map[string]int64 // by message: the event after its first read was recorded
	late   []string         // deliveries that were called under a claim that began after a read
	sent   []string         // deliveries that a provider took
}

func (w *badDay) tick() int64 { return w.clock.Add(1) }

func (w *badDay) claimed(began int64, ds []store.Leased) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range ds {
		w.claims[fmt.Sprintf("%s-%d-%d", d.MessageID, d.Recipient, d.Place)] = began
	}
}

func (w *badDay) intn(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rand.IntN(n)
}

// Send answers as providers do on a bad day: most calls are quick; some take longer than a lease.
func (w *badDay) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	w.mu.Lock()
	if read, ok := w.reads[d.MessageID]; ok && w.claims[d.ID] > read {
		w.late = append(w.late, d.ID)
	}
	w.mu.Unlock()
	takes := time.Duration(w.intn(200)) * time.Millisecond
	if w.intn(50) == 0 {
		takes = 20 * time.Second
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return channel.Receipt{}, ctx.Err()
	}
	switch fate := w.intn(10); {
	case strings.HasPrefix(d.To, "bad") && fate < 8:
		return channel.Receipt{}, fails(channel.Unreachable)
	case strings.HasPrefix(d.To, "bad"), fate < 3:
		return channel.Receipt{}, fails(channel.Temporary)
	}
	w.mu.Lock()
	w.sent = append(w.sent, d.ID)
	w.mu.Unlock()
	return channel.Receipt{ID: d.ID}, nil
}

// confirm records receipts of what was sent, until ctx ends.
func (w *badDay) confirm(ctx context.Context, n *notify.Notifier) {
	for ctx.Err() == nil {
		time.Sleep(time.Second)
		w.mu.Lock()
		sent := w.sent
		w.sent = nil
		w.mu.Unlock()
		for _, id := range sent {
			event := []channel.Event{channel.Delivered, channel.Read, channel.Bounced, ""}[w.intn(4)]
			if event == "" {
				continue
			}
			if err := n.Receive(ctx, channel.Receipt{DeliveryID: id, Event: event}); err == nil && event == channel.Read {
				w.mu.Lock()
				message := id[:36]
				if _, ok := w.reads[message]; !ok {
					w.reads[message] = w.tick()
				}
				w.mu.Unlock()
			}
		}
	}
}

// simulate sends many groups with four processes that die and come back, and returns the reports.
func simulate(t *testing.T, seed uint64, lame bool) ([]notify.Report, *badDay) {
	w := &badDay{rand: rand.New(rand.NewPCG(seed, 0)), claims: map[string]int64{}, reads: map[string]int64{}}
	st := memory.New()
	process := func() (*notify.Notifier, *mortal) {
		m := &mortal{Store: st, day: w, lame: lame}
		return newNotifier(t, notify.Config{
			Store: m, Channels: notify.Channels{"a": w.channel(), "b": w.channel(), "c": w.channel()},
			Policies: map[string]notify.Policy{"": {Backoff: time.Second, Timeout: 30 * time.Second}},
			Dispatchers: map[string]notify.Dispatcher{
				"delivered": notify.First(notify.Delivered, time.Minute), "escalate": notify.Escalate(2 * time.Minute),
			},
		}), m
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				n, m := process()
				life, die := context.WithCancel(ctx)
				time.AfterFunc(time.Duration(1+w.intn(60))*time.Second, func() {
					m.dead.Store(ctx.Err() == nil)
					die()
				})
				_ = n.Run(life)
				die()
			}
		})
	}
	sender, _ := process()
	wg.Go(func() { w.confirm(ctx, sender) })
	var ids []string
	for i := range 200 {
		ids = append(ids, accept(t, sender, w.message(i)).ID)
		time.Sleep(time.Duration(w.intn(300)) * time.Millisecond)
	}
	var reports []notify.Report
	patience, enough := context.WithTimeout(ctx, 30*time.Minute)
	defer enough()
	for _, id := range ids {
		r, err := sender.Wait(patience, id)
		if err != nil {
			r, err = sender.Report(ctx, id)
			require.NoError(t, err)
		}
		reports = append(reports, r)
	}
	cancel()
	wg.Wait()
	return reports, w
}

func (w *badDay) channel() channel.Channel { return channel.Func(w.Send) }

// message goes to one recipient on three channels, each of which works or does not.
func (w *badDay) message(i int) notify.Message {
	to := map[string][]string{}
	for _, name := range []string{"a", "b", "c"} {
		to[name] = []string{[]string{"good", "bad", "bad"}[w.intn(3)]}
	}
	return notify.Message{
		To: []notify.Recipient{{Addresses: to}}, Content: notify.Content{Text: "hi"},
		Dispatcher: []string{"first", "delivered", "escalate"}[i%3],
	}
}

func TestGroupsComeToTheirEndWhoeverDies(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			reports, w := simulate(t, seed, false)
			require.Empty(t, w.late, "seed %d: called under a claim that began after the message was read", seed)
			for i, r := range reports {
				checkGroup(t, r, i%3 == 0)
			}
		})
	}
}

func checkGroup(t *testing.T, r notify.Report, first bool) {
	t.Helper()
	good, sent, gone := false, 0, false
	for _, o := range r.Deliveries {
		require.True(t, o.Status.Settled(), "%s waits for ever: %s %s", o.ID, o.Status, o.Reason)
		require.NotEqual(t, notify.ReasonStuck, o.Reason)
		good = good || o.To == "good"
		gone = gone || o.Status == notify.Unknown || o.Reason == notify.ReasonBounced
		if o.Status.Reaches(notify.Sent) {
			sent++
		}
	}
	if first {
		require.LessOrEqual(t, sent, 1, "first succeeded twice: %v", statuses(r))
	}
	require.True(t, !good || gone || sent > 0, "somebody could be reached: %v", statuses(r))
}

func TestGroupsThatWakeNobodyAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports, _ := simulate(t, 1, true)
		open := 0
		for _, r := range reports {
			for _, o := range r.Deliveries {
				if !o.Status.Settled() {
					open++
				}
			}
		}
		require.Positive(t, open, "without wake-ups deliveries wait for an hour")
	})
}
