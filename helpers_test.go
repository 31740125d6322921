package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// newNotifier returns a Notifier that ends with the test. It does not log unless c has a Logger.
func newNotifier(t *testing.T, c notify.Config) *notify.Notifier {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	n, err := notify.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close(context.Background())) })
	return n
}

// durable returns a Notifier on a store. Its backoff is a second.
func durable(t *testing.T, st store.Deliveries, channels notify.Channels) *notify.Notifier {
	t.Helper()
	return newNotifier(t, notify.Config{Store: st, Channels: channels, Policies: map[string]notify.Policy{"": {Backoff: time.Second}}})
}

// stored returns a Notifier on a store, and the driver of its only channel, pager.
func stored(t *testing.T, st store.Deliveries) (*notify.Notifier, *driver) {
	t.Helper()
	d := &driver{}
	return newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"pager": d}}), d
}

// running starts n.Run. stop, which runs at the end of the test at the latest, ends Run and waits for its return.
func running(t *testing.T, n *notify.Notifier) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-ended)
		}
	}
	t.Cleanup(stop)
	return stop
}

// accept sends m, which must not fail.
func accept(t *testing.T, n *notify.Notifier, m notify.Message) notify.Report {
	t.Helper()
	r, err := n.Send(t.Context(), m)
	require.NoError(t, err)
	return r
}

// settled waits until all deliveries of a message are settled.
func settled(t *testing.T, n *notify.Notifier, id string) notify.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Hour)
	defer cancel()
	r, err := n.Wait(ctx, id)
	require.NoError(t, err)
	return r
}

// sent sends m and runs n until all deliveries of m are settled.
func sent(t *testing.T, n *notify.Notifier, m notify.Message) notify.Report {
	t.Helper()
	defer running(t, n)()
	return settled(t, n, accept(t, n, m).ID)
}

// reported returns the report of a message as it is now.
func reported(t *testing.T, n *notify.Notifier, id string) notify.Report {
	t.Helper()
	r, err := n.Report(t.Context(), id)
	require.NoError(t, err)
	return r
}

// crash leases all deliveries of the pager that are due, like a process that crashes right after. If marked, it crashes during the calls:
// the leases are marked.
func crash(t *testing.T, st store.Deliveries, lease time.Duration, marked bool) []store.Leased {
	t.Helper()
	leases, err := st.LeaseDeliveries(t.Context(), store.LeaseRequest{
		Lanes: []store.LaneRoom{{Lane: "pager/transactional", Room: 100}}, Lease: lease,
	})
	require.NoError(t, err)
	for _, d := range leases.Deliveries {
		if marked {
			_, err := st.ExtendLeases(t.Context(), []store.Extension{{DeliveryRef: d.DeliveryRef, Marked: true}}, lease)
			require.NoError(t, err)
		}
	}
	return leases.Deliveries
}

// failSettlementsOf makes each batch of settlements fail that contains one of the message.
func failSettlementsOf(st *fakeStore, id string) {
	st.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
		if slices.ContainsFunc(ss, func(s store.Settlement) bool { return s.MessageID == id }) {
			return nil, errStore
		}
		return st.Store.SettleDeliveries(ctx, ss)
	}
}

// pass lets d pass under synctest, and then waits until all other goroutines are blocked.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func in(d time.Duration) time.Time { return time.Now().Add(d) }

// hello returns a message to ann over the channels.
func hello(channels ...string) notify.Message {
	ann := notify.Recipient{ID: "ann", Addresses: map[string][]string{}}
	for _, name := range channels {
		ann.Addresses[name] = []string{"ann-" + name}
	}
	return notify.Message{To: []notify.Recipient{ann}, Channels: channels, Content: notify.Content{Title: "Hello", Text: "World"}}
}

// keyed returns a message to ann's pager with a key.
func keyed(key string) notify.Message {
	m := hello("pager")
	m.Key = key
	return m
}

// bulk returns a message to n pagers.
func bulk(n int) notify.Message {
	pagers := make([]string, n)
	for i := range pagers {
		pagers[i] = strconv.Itoa(i)
	}
	return notify.Message{To: notify.To("pager", pagers...), Channels: []string{"pager"}, Content: notify.Content{Text: "hi"}}
}

// text returns a text message to a phone number, over the channel sms.
func text(number string) notify.Message {
	return notify.Message{To: notify.To(channel.Phone, number), Channels: []string{"sms"}, Content: notify.Content{Text: "Your code is 4711"}}
}

func fails(k channel.Kind) *channel.Error {
	return &channel.Error{Kind: k, Err: errors.New("vendor: no")}
}

// waits returns a failure with a RetryAfter.
func waits(k channel.Kind, d time.Duration) *channel.Error {
	return &channel.Error{Kind: k, RetryAfter: d, Err: errors.New("vendor: wait")}
}

func statuses(r notify.Report) []notify.Status {
	var ss []notify.Status
	for _, o := range r.Deliveries {
		ss = append(ss, o.Status)
	}
	return ss
}

func reasons(r notify.Report) []notify.Reason {
	var rs []notify.Reason
	for _, o := range r.Deliveries {
		rs = append(rs, o.Reason)
	}
	return rs
}

// requireField requires that err is a FieldError of the field.
func requireField(t *testing.T, field string, err error) {
	t.Helper()
	var e *notify.FieldError
	require.ErrorAs(t, err, &e)
	require.Equal(t, field, e.Field)
}

// requireSuppressed requires that o is suppressed because of its address.
func requireSuppressed(t *testing.T, o notify.Outcome, why notify.Reason) {
	t.Helper()
	require.Equal(t, notify.Suppressed, o.Status)
	require.Equal(t, why, o.Reason)
	var e *channel.Error
	require.ErrorAs(t, o.Err, &e)
	require.Equal(t, channel.InvalidRecipient, e.Kind)
	require.Equal(t, "to", e.Field)
}
