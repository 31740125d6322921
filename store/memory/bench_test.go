package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

const lane store.Lane = "email/transactional"

// filled returns a store with n due deliveries, one in each message.
func filled(b *testing.B, n int) *memory.Store {
	b.Helper()
	s := memory.New()
	for first := 0; first < n; first += 1000 {
		ms := make([]store.NewMessage, min(1000, n-first))
		for i := range ms {
			ms[i] = store.NewMessage{Message: store.Message{ID: fmt.Sprintf("m-%09d", first+i), Body: make([]byte, 200)},
				Deliveries: []store.NewDelivery{{Lane: lane, To: "ann@example.com", Status: store.Accepted}}}
		}
		_, err := s.AcceptMessages(b.Context(), ms)
		require.NoError(b, err)
	}
	return s
}

// BenchmarkLeaseAndSettle leases and settles batches of 100 among the given number of live deliveries, and logs their attempts. Settled
// deliveries are due again at once, so that the number of live ones stays constant.
func BenchmarkLeaseAndSettle(b *testing.B) {
	for _, live := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(live), func(b *testing.B) {
			s := filled(b, live)
			request := store.LeaseRequest{Lanes: []store.LaneRoom{{Lane: lane, Room: 100}}, Lease: time.Minute}
			for b.Loop() {
				ls, err := s.LeaseDeliveries(b.Context(), request)
				require.NoError(b, err)
				ss := make([]store.Settlement, len(ls.Deliveries))
				for i, l := range ls.Deliveries {
					ss[i] = store.Settlement{DeliveryRef: l.DeliveryRef, Status: store.Held, Due: ls.Now, Attempts: l.Attempts + 1,
						Attempt: &store.Attempt{At: ls.Now, Status: store.Held, Provider: "smtp"}}
				}
				_, err = s.SettleDeliveries(b.Context(), ss)
				require.NoError(b, err)
			}
			b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkAccept accepts one message per call.
func BenchmarkAccept(b *testing.B) {
	s := memory.New()
	m := store.NewMessage{Deliveries: []store.NewDelivery{{Lane: lane, To: "ann@example.com", Status: store.Accepted}}}
	n := 0
	for b.Loop() {
		n++
		m.ID = fmt.Sprintf("m-%09d", n)
		_, err := s.AcceptMessages(b.Context(), []store.NewMessage{m})
		require.NoError(b, err)
	}
}
