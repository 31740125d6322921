package notify

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// Unexported names for tests.
var (
	DeliveryID      = store.DeliveryRef.ID
	ParseDeliveryID = store.ParseDeliveryID
	NewID           = store.NewMessageID
)

// Idle reports whether n has no Send and no call in flight, and holds no slot and no ticket of a rate.
func (n *Notifier) Idle() bool { return n.engine.Idle() }

// Stored plans a message. It returns the record that a store keeps, the deliveries that drivers get, and the errors of decoding them.
func (n *Notifier) Stored(t *testing.T, m Message) (rec store.MessageRecord, opened []channel.Delivery, errs []error) {
	t.Helper()
	p, err := n.planner.plan(t.Context(), m)
	require.NoError(t, err)
	r, err := n.planner.encode(&p, nil)
	require.NoError(t, err)
	rec.Message = r.Message
	open := decode(&rec.Message)
	for _, d := range r.Deliveries {
		s := store.Delivery{
			DeliveryRef: store.DeliveryRef{MessageID: r.ID, Recipient: d.Recipient, Place: d.Place},
			Message:     &rec.Message, Lane: d.Lane, User: d.User, To: d.To, Locale: d.Locale, Grouped: d.Grouped, Body: d.Body,
			Status: d.Status, Reason: d.Reason, At: time.Now(), Due: d.NotBefore, NotBefore: d.NotBefore, Failure: d.Failure,
		}
		rec.Deliveries = append(rec.Deliveries, s)
		out, err := open(&s)
		opened, errs = append(opened, out), append(errs, err)
	}
	return rec, opened, errs
}

// ReportOf makes the report of a record.
func (n *Notifier) ReportOf(rec store.MessageRecord) Report {
	return n.reportOf(context.Background(), rec)
}

// RunSchedules runs the schedules until ctx ends, as Run does.
func (n *Notifier) RunSchedules(ctx context.Context) { n.runSchedules(ctx) }
