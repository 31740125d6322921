package notify_test

import (
	"context"
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

// A simulation of several processes that crash at random, and the record of its calls and receipts.
type simulation struct {
	*random
	clock  atomic.Int64 // counts events
	mu     sync.Mutex
	claims map[string]int64 // by delivery: the event before its last claim
	reads  map[string]int64 // by message: the event after its first read was recorded
	late   []string         // deliveries that were called under a claim that began after a read
	sent   []string         // deliveries that a provider accepted and no receipt has confirmed
}

func (s *simulation) tick() int64 { return s.clock.Add(1) }

// lease records the claims of a process on st.
func (s *simulation) lease(st *memory.Store) func(context.Context, store.LeaseRequest) (store.Leases, error) {
	return func(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
		began := s.tick()
		leases, err := st.LeaseDeliveries(ctx, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, d := range leases.Deliveries {
			s.claims[notify.DeliveryID(d.DeliveryRef)] = began
		}
		return leases, err
	}
}

// Send answers at random. Most calls are quick; one in fifty takes longer than a lease.
func (s *simulation) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	s.mu.Lock()
	if read, ok := s.reads[d.MessageID]; ok && s.claims[d.ID] > read {
		s.late = append(s.late, d.ID)
	}
	s.mu.Unlock()
	takes := time.Duration(s.intn(200)) * time.Millisecond
	if s.intn(50) == 0 {
		takes = 20 * time.Second
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return channel.Receipt{}, ctx.Err()
	}
	switch fate := s.intn(10); {
	case strings.HasPrefix(d.To, "bad") && fate < 8:
		return channel.Receipt{}, fails(channel.Unreachable)
	case strings.HasPrefix(d.To, "bad"), fate < 3:
		return channel.Receipt{}, fails(channel.Temporary)
	}
	s.mu.Lock()
	s.sent = append(s.sent, d.ID)
	s.mu.Unlock()
	return channel.Receipt{ID: d.ID}, nil
}

// confirm gives n receipts for the deliveries that were sent, until ctx ends.
func (s *simulation) confirm(ctx context.Context, n *notify.Notifier) {
	for ctx.Err() == nil {
		time.Sleep(time.Second)
		s.mu.Lock()
		sent := s.sent
		s.sent = nil
		s.mu.Unlock()
		for _, id := range sent {
			event := []channel.Event{channel.Delivered, channel.Read, channel.Bounced, ""}[s.intn(4)]
			if event == "" {
				continue
			}
			if err := n.Receive(ctx, channel.Receipt{DeliveryID: id, Event: event}); err == nil && event == channel.Read {
				s.mu.Lock()
				message := id[:36]
				if _, ok := s.reads[message]; !ok {
					s.reads[message] = s.tick()
				}
				s.mu.Unlock()
			}
		}
	}
}

// simulate sends many groups with four processes that crash and restart, and returns the reports. Without wakes, settlements do not wake
// their peers.
func simulate(t *testing.T, seed uint64, wakes bool) ([]notify.Report, *simulation) {
	s := &simulation{random: newRandom(seed), claims: map[string]int64{}, reads: map[string]int64{}}
	st := memory.New()
	process := func() (*notify.Notifier, *fakeStore) {
		connection := newFakeStore(st)
		connection.lease = s.lease(st)
		if !wakes {
			connection.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
				for i := range ss {
					ss[i].Wake = false
				}
				return st.SettleDeliveries(ctx, ss)
			}
		}
		return newNotifier(t, notify.Config{
			Store: connection, Channels: notify.Channels{"a": s.channel(), "b": s.channel(), "c": s.channel()},
			Policies: map[string]notify.Policy{"": {Backoff: time.Second, Timeout: 30 * time.Second}},
			Dispatchers: map[string]notify.Dispatcher{
				"delivered": notify.First(notify.Delivered, time.Minute), "escalate": notify.Escalate(2 * time.Minute),
			},
		}), connection
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				n, connection := process()
				life, end := context.WithCancel(ctx)
				time.AfterFunc(time.Duration(1+s.intn(60))*time.Second, func() {
					if ctx.Err() == nil {
						connection.fail(errCrashed, leasing...)
					}
					end()
				})
				_ = n.Run(life)
				end()
			}
		})
	}
	sender, _ := process()
	wg.Go(func() { s.confirm(ctx, sender) })
	var ids []string
	for i := range 200 {
		ids = append(ids, accept(t, sender, s.message(i)).ID)
		time.Sleep(time.Duration(s.intn(300)) * time.Millisecond)
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
	return reports, s
}

func (s *simulation) channel() channel.Channel { return channel.Func(s.Send) }

// message returns a message to one recipient on three channels. Each address is good or bad.
func (s *simulation) message(i int) notify.Message {
	to := map[string][]string{}
	for _, name := range []string{"a", "b", "c"} {
		to[name] = []string{[]string{"good", "bad", "bad"}[s.intn(3)]}
	}
	return notify.Message{
		To: []notify.Recipient{{Addresses: to}}, Content: notify.Content{Text: "hi"},
		Dispatcher: []string{"first", "delivered", "escalate"}[i%3],
	}
}

func TestGroupsComeToTheirEndWhoeverDies(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			reports, s := simulate(t, seed, true)
			require.Empty(t, s.late, "seed %d: called under a claim that began after the message was read", seed)
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
		require.True(t, o.Status.Settled(), "%s waits forever: %s %s", o.ID, o.Status, o.Reason)
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
	require.True(t, !good || gone || sent > 0, "a good address was not reached: %v", statuses(r))
}

func TestGroupsThatWakeNobodyAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports, _ := simulate(t, 1, false)
		open := 0
		for _, r := range reports {
			for _, o := range r.Deliveries {
				if !o.Status.Settled() {
					open++
				}
			}
		}
		require.Positive(t, open, "without wakes, deliveries wait for an hour")
	})
}
