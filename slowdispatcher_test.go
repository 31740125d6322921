package notify_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store"
)

// The time that a dispatcher takes is not the driver's, and passes for the message.
func TestASlowDispatcherTakesNoTimeFromTheCall(t *testing.T) {
	tests := map[string]struct {
		timeout, expire time.Duration
		status          notify.Status
		attempts        int
	}{
		"longer than a call may take": {2 * time.Second, time.Hour, notify.Sent, 1},
		"until the message expires":   {time.Minute, 2 * time.Second, notify.Expired, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, st store.Deliveries) {
				d := slow(3 * time.Second)
				d.reached = nil
				n := sending(t, st, notify.Config{
					Channels: notify.Channels{"pager": &driver{takes: time.Second}}, Dispatchers: map[string]notify.Dispatcher{"mine": d},
					Policies: map[string]notify.Policy{"": {Timeout: tt.timeout}},
				})
				m := hello("pager")
				m.Dispatcher, m.ExpireAt = "mine", time.Now().Add(tt.expire)
				o := sendAll(t, n, m).Deliveries[0]
				require.Equal(t, tt.status, o.Status)
				require.Equal(t, tt.attempts, o.Attempts)
			})
		})
	}
}
