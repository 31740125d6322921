package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

const lane = store.Lane("email/transactional")

func message(n int) store.NewMessage {
	m := store.NewMessage{
		Message: store.Message{ID: uuid.Must(uuid.NewV7()).String(), Dispatcher: "all", Class: "transactional", Body: []byte(`{"title":"hello"}`)},
		Request: []byte("hash"),
	}
	for i := range n {
		m.Deliveries = append(m.Deliveries, store.NewDelivery{Recipient: i, Lane: lane, User: fmt.Sprint("u", i), To: fmt.Sprintf("u%d@example.com", i),
			Status: store.Accepted})
	}
	return m
}

func TestAMessageGoesItsWay(t *testing.T) {
	s := databases["sqlite"].migrated(t)
	m := message(3)
	m.Key = "k"
	as, err := s.AcceptMessages(t.Context(), []store.NewMessage{m})
	require.NoError(t, err)
	require.Equal(t, []store.Acceptance{{}}, as)

	again := message(1)
	again.Key = "k"
	as, err = s.AcceptMessages(t.Context(), []store.NewMessage{again, m})
	require.NoError(t, err)
	require.Equal(t, m.ID, as[0].First.Message.ID)
	require.Len(t, as[0].First.Deliveries, 3)
	require.Nil(t, as[1].First)

	ls, err := s.LeaseDeliveries(t.Context(), store.LeaseRequest{Lanes: []store.LaneRoom{{Lane: lane, Room: 2}}, Lease: time.Minute})
	require.NoError(t, err)
	require.Len(t, ls.Deliveries, 2)
	require.Empty(t, ls.NextDue)
	d := ls.Deliveries[0]
	require.Equal(t, "u0@example.com", d.To)
	require.Equal(t, m.Body, d.Message.Body)

	settlement := store.Settlement{DeliveryRef: d.DeliveryRef, Status: store.Sent, Attempts: 1, Spent: 1,
		Attempt: &store.Attempt{At: ls.Now, Took: time.Millisecond, Status: store.Sent, Provider: "p", ProviderID: "1"}}
	retried := store.Settlement{DeliveryRef: ls.Deliveries[1].DeliveryRef, Status: store.Held, Reason: "retrying", Due: ls.Now.Add(time.Hour),
		Attempts: 1, Failure: &store.Failure{Kind: channel.Temporary, Text: "busy"}}
	for range 2 {
		lost, err := s.SettleDeliveries(t.Context(), []store.Settlement{settlement, retried})
		require.NoError(t, err)
		require.Empty(t, lost)
	}
	settlement.Claim++
	lost, err := s.SettleDeliveries(t.Context(), []store.Settlement{settlement})
	require.NoError(t, err)
	require.Equal(t, []store.DeliveryRef{settlement.DeliveryRef}, lost)

	unmatched, err := s.RecordReceipts(t.Context(), []store.Receipt{{Provider: "p", ProviderID: "1", Status: store.Read}, {Provider: "p", ProviderID: "2"}})
	require.NoError(t, err)
	require.Len(t, unmatched, 1)

	page, err := s.ListMessages(t.Context(), store.MessageQuery{Attempts: true, Filter: store.Filter{Statuses: []store.Status{store.Read}}})
	require.NoError(t, err)
	require.Len(t, page.Messages, 1)
	require.Equal(t, store.Read, page.Messages[0].Deliveries[0].Status)
	require.Len(t, page.Messages[0].Deliveries[0].Attempted, 1)

	changed, err := s.ChangeDeliveries(t.Context(), store.Change{Action: store.Cancel, Filter: store.Filter{AnyTenant: true}})
	require.NoError(t, err)
	require.Len(t, changed.Deliveries, 2)
	n, err := s.PruneMessages(t.Context(), time.Now().Add(time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestAClaimAsksForAnyNumberOfLanes(t *testing.T) {
	for name, d := range databases {
		t.Run(name, func(t *testing.T) {
			s := d.migrated(t)
			var rooms []store.LaneRoom
			for i := range 1500 {
				rooms = append(rooms, store.LaneRoom{Lane: store.Lane(fmt.Sprintf("channel-%d/otp", i)), Room: 2})
			}
			m := message(1)
			m.Deliveries[0].Lane = rooms[1300].Lane
			_, err := s.AcceptMessages(t.Context(), []store.NewMessage{m})
			require.NoError(t, err)
			ls, err := s.LeaseDeliveries(t.Context(), store.LeaseRequest{Lanes: rooms, Lease: time.Minute})
			require.NoError(t, err)
			require.Len(t, ls.Deliveries, 1)
			require.Equal(t, map[store.Lane]time.Time{rooms[1300].Lane: ls.Now.Add(time.Minute)}, ls.NextDue)
		})
	}
}
