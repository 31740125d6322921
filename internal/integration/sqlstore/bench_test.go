package sqlstore_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store"
)

// BenchmarkDrain claims and settles a hundred at once, attempts logged.
func BenchmarkDrain(b *testing.B) {
	for name, d := range databases {
		b.Run(name, func(b *testing.B) {
			s := d.migrated(b)
			fill(b, s, b.N)
			b.ResetTimer()
			for left := b.N; left > 0; {
				ls := claim(b, s, 100)
				settle(b, s, ls)
				left -= len(ls.Deliveries)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

func fill(b testing.TB, s store.Deliveries, n int) {
	for n > 0 {
		ms := make([]store.NewMessage, min(n, 500))
		for i := range ms {
			ms[i] = message(1)
		}
		_, err := s.AcceptMessages(b.Context(), ms)
		require.NoError(b, err)
		n -= len(ms)
	}
}

func settle(b testing.TB, s store.Deliveries, ls store.Leases) {
	ss := make([]store.Settlement, len(ls.Deliveries))
	for i, d := range ls.Deliveries {
		ss[i] = store.Settlement{DeliveryRef: d.DeliveryRef, Status: store.Sent, Attempts: 1, Tries: 1,
			Attempt: &store.Attempt{At: ls.Now, Took: time.Millisecond, Status: store.Sent, Provider: "smtp", ProviderID: d.MessageID}}
	}
	lost, err := s.SettleDeliveries(b.Context(), ss)
	require.NoError(b, err)
	require.Empty(b, lost)
}

// BenchmarkAccept accepts one message at once.
func BenchmarkAccept(b *testing.B) {
	for name, d := range databases {
		b.Run(name, func(b *testing.B) {
			s := d.migrated(b)
			for b.Loop() {
				_, err := s.AcceptMessages(b.Context(), []store.NewMessage{message(1)})
				require.NoError(b, err)
			}
		})
	}
}
