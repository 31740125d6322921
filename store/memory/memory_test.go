package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

func TestLeasesRunOutOnFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		_, err := s.AcceptMessages(t.Context(), []store.NewMessage{{
			Message:    store.Message{ID: "m"},
			Deliveries: []store.NewDelivery{{Lane: "email/otp", Status: store.Accepted}},
		}})
		require.NoError(t, err)
		ask := store.LeaseRequest{Lanes: []store.LaneRoom{{Lane: "email/otp", Room: 10}}, Lease: time.Hour}
		for i := range 3 {
			ls, err := s.LeaseDeliveries(t.Context(), ask)
			require.NoError(t, err)
			require.Len(t, ls.Deliveries, 1)
			require.Equal(t, i, ls.Deliveries[0].Lapsed)
			require.Equal(t, ls.Now.Add(time.Hour), ls.NextDue["email/otp"])
			again, err := s.LeaseDeliveries(t.Context(), ask)
			require.NoError(t, err)
			require.Empty(t, again.Deliveries)
			time.Sleep(time.Hour)
		}
	})
}

func TestMessageIsRefusedAsADatabaseWould(t *testing.T) {
	to := store.NewDelivery{Lane: "email/otp", Status: store.Accepted}
	good := store.NewMessage{Message: store.Message{ID: "good"}, Deliveries: []store.NewDelivery{to}}
	for name, bad := range map[string]store.NewMessage{
		"without an id":                         {Deliveries: []store.NewDelivery{to}},
		"with two deliveries of the same place": {Message: store.Message{ID: "bad"}, Deliveries: []store.NewDelivery{to, to}},
	} {
		t.Run(name, func(t *testing.T) {
			s := memory.New()
			_, err := s.AcceptMessages(t.Context(), []store.NewMessage{good, bad})
			require.Error(t, err)
			page, err := s.ListMessages(t.Context(), store.MessageQuery{Filter: store.Filter{AnyTenant: true}})
			require.NoError(t, err)
			require.Empty(t, page.Messages, "all or none")
		})
	}
}
