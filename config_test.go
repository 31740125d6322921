package notify_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store/memory"
)

func TestADispatcherThatWaitsGoesWithAStore(t *testing.T) {
	c := notify.Config{
		Channels: notify.Channels{"pager": &driver{}}, Dispatchers: map[string]notify.Dispatcher{"patient": notify.First(notify.Read, time.Hour)},
	}
	_, err := notify.New(c)
	require.ErrorIs(t, err, notify.ErrNeedsStore)
	c.Store = memory.New()
	n := newNotifier(t, c)
	m := hello("pager")
	m.Dispatcher = "patient"
	accept(t, n, m)
}

func TestABadEngineIsRefused(t *testing.T) {
	with := func(e notify.Engine) error {
		_, err := notify.New(notify.Config{Channels: notify.Channels{"pager": &driver{}}, Store: memory.New(), Engine: e})
		return err
	}
	ms := time.Millisecond
	for _, e := range []notify.Engine{{Lease: -time.Second}, {Lease: ms}, {Poll: -1}, {Poll: 1}, {Poll: 10*ms - 1}} {
		requireField(t, "engine", with(e))
	}
	require.NoError(t, with(notify.Engine{Lease: 100 * ms, Poll: 10 * ms}))
}

func TestWithAStoreADeliveryIsTriedForHours(t *testing.T) {
	tests := map[string]struct {
		policy notify.Policy
		want   int
	}{
		"by default": {want: 14},
		"as asked":   {policy: notify.Policy{Attempts: 3}, want: 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &driver{answers: []error{fails(channel.Temporary)}}
				n := newNotifier(t, notify.Config{
					Store: memory.New(), Channels: notify.Channels{"pager": d}, Policies: map[string]notify.Policy{"": tt.policy},
				})
				stop := running(t, n)
				r := accept(t, n, hello("pager"))
				r = settled(t, n, r.ID)
				stop()
				require.Equal(t, notify.ReasonExhausted, r.Deliveries[0].Reason)
				require.Equal(t, tt.want, d.calls())
			})
		})
	}
}
