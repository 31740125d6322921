package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// Receive records a receipt that a provider sends after the message: delivered, read or bounced. Pass Receive as the sink to a driver's handler
// of callbacks:
//
//	http.Handle("/hooks/twilio", twilio.Callback(authToken, "https://example.com/hooks/twilio", n.Receive))
//
// The DeliveryID of the receipt identifies the delivery. If it is not an id of this package, Provider and ID identify the attempt. A receipt can
// only advance the status of a delivery, in the order sent, bounced, delivered, read. Any other receipt has no effect and is not an error,
// because providers repeat and reorder receipts. A bounced delivery is failed. If the address is invalid ([channel.InvalidRecipient]), it is
// suppressed until [Notifier.Unsuppress] is called.
//
// [ErrNotFound] means that the delivery is unknown, or not known yet: a provider may call before the result of the attempt is stored. Repeat the
// receipt after any error except a [*FieldError]. A repetition is harmless.
func (n *Notifier) Receive(ctx context.Context, r channel.Receipt) error {
	if !n.engine.Enter() {
		return ErrClosed
	}
	defer n.engine.Leave()
	rec, err := receiptOf(r)
	if err != nil {
		return err
	}
	rs := []store.Receipt{rec}
	if n.store == nil {
		return fault("store", ErrNeedsStore)
	}
	if _, err := n.store.RecordReceipts(ctx, rs); err != nil {
		return storeError(err)
	}
	if rs[0].Found == nil {
		return ErrNotFound
	}
	return n.received(ctx, &rs[0])
}

func receiptOf(r channel.Receipt) (store.Receipt, error) {
	rec := store.Receipt{Provider: r.Provider, ProviderID: r.ID}
	if !r.At.After(time.Now()) && !r.At.Before(time.Unix(0, 0)) { // otherwise the store takes its own time
		rec.At = micros(r.At)
	}
	ref, ours := store.ParseDeliveryID(r.DeliveryID)
	switch {
	case ours:
		rec.DeliveryRef = ref
	case r.ID == "":
		return rec, fault("id", errors.New("is required, unless delivery_id is the id of a delivery"))
	case r.ID != store.Clean(r.ID): // no stored attempt has such an id
		return rec, fault("id", errUnfit)
	case r.Provider != store.Clean(r.Provider):
		return rec, fault("provider", errUnfit)
	}
	switch r.Event {
	case channel.Sent, channel.Delivered, channel.Read, channel.Bounced:
		var e *channel.Error
		rec.Status, rec.Reason, e = store.StatusOf(r)
		rec.Failure = store.FailureOf(e).Clean()
		return rec, nil
	}
	return rec, fault("event", fmt.Errorf("unknown event %q: must be sent, delivered, read or bounced", r.Event))
}

// received reports a stored receipt to the host, the callers of Wait and the engine, and suppresses an invalid address.
func (n *Notifier) received(ctx context.Context, r *store.Receipt) error {
	d := r.Found
	if r.Ended && (n.onOutcome != nil || n.onTransition != nil) { // for a leased delivery, the engine reports this
		n.tellSettled(context.WithoutCancel(ctx), d.MessageID, []store.DeliveryRef{d.DeliveryRef})
	}
	if r.Raised {
		n.announce(TransitionReceived, d.Message.Tenant, Class(d.Lane.Class()), storedOutcome(d), 0)
	}
	n.waiters.tell(d.MessageID)
	for name := range n.media {
		if d.Grouped { // the peers are in the lanes of the same class
			n.engine.Wake(store.LaneOf(name, d.Lane.Class()))
		}
	}
	via := n.media[d.Lane.Channel()]
	if r.Reason != ReasonBounced || r.Failure.Kind != channel.InvalidRecipient || via == nil {
		return nil
	}
	return n.suppress(ctx, via.suppression(d.Message.Tenant, d.To), ReasonBounced)
}
