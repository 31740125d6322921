package notify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// Names that tests need of the inside.
var (
	DeliveryID      = store.DeliveryRef.ID
	ParseDeliveryID = store.ParseDeliveryID
	NewID           = newID
)

// Idle reports whether n holds nothing any more: no Send, no call, no slot and no ticket of a rate that is still to come.
func (n *Notifier) Idle() bool {
	for _, g := range n.gates {
		if len(g.slots) > 0 || g.busy.Load() != 0 || g.lost.Load() != 0 {
			return false
		}
		if g.pace != nil && g.pace.next.After(time.Now().Add(g.pace.every)) {
			return false
		}
	}
	return n.running.running == 0
}

// Stored plans a message and returns it as stores keep it, with what its drivers would get.
func (n *Notifier) Stored(t *testing.T, m Message) (rec store.MessageRecord, opened []channel.Delivery, errs []error) {
	t.Helper()
	m.fill(time.Now())
	p, err := n.plan(t.Context(), m)
	require.NoError(t, err)
	r, err := p.record(&m, nil)
	require.NoError(t, err)
	rec.Message = r.Message
	shared, err := unpack(&rec.Message)
	require.NoError(t, err)
	for _, d := range r.Deliveries {
		s := store.Delivery{
			DeliveryRef: store.DeliveryRef{MessageID: r.ID, Recipient: d.Recipient, Place: d.Place},
			Message:     &rec.Message, Lane: d.Lane, User: d.User, To: d.To, Locale: d.Locale, Grouped: d.Grouped, Body: d.Body,
			Status: d.Status, Reason: d.Reason, At: time.Now(), Due: d.NotBefore, NotBefore: d.NotBefore, Failure: d.Failure,
		}
		rec.Deliveries = append(rec.Deliveries, s)
		out, err := shared.open(&s)
		opened, errs = append(opened, out), append(errs, err)
	}
	return rec, opened, errs
}

// ReportOf is reportOf.
func (n *Notifier) ReportOf(rec store.MessageRecord) Report { return n.reportOf(rec) }
