package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// Receive takes what a provider said later of a delivery: that it arrived, was read or came back. Drivers have handlers for what their
// vendors call, which want it as their sink:
//
//	http.Handle("/hooks/twilio", twilio.Callback(authToken, "https://example.com/hooks/twilio", n.Receive))
//
// The receipt names the delivery by its ID, or else, if that is not ours, the attempt by Provider and ID. It only raises: from sent to
// bounced, delivered, read; what it does not raise stays, and is no error, because providers repeat and reorder. A delivery that bounced
// has failed, and if its address is dead ([channel.InvalidRecipient]), nothing more goes there until [Notifier.Unsuppress].
//
// [ErrNotFound] means that nobody knows the delivery, or not yet: a provider may call before the answer to its attempt is stored. After
// that error, as after any other than a [*FieldError], the same receipt should be brought again; that changes nothing more.
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

// receiptOf returns r as stores take it.
func receiptOf(r channel.Receipt) (store.Receipt, error) {
	rec := store.Receipt{Provider: r.Provider, ProviderID: r.ID, At: timeOf(r)}
	ref, ours := store.ParseDeliveryID(r.DeliveryID)
	switch {
	case ours:
		rec.DeliveryRef = ref
	case r.ID == "":
		return rec, fault("id", errors.New("neither this nor delivery_id names a delivery"))
	case r.ID != store.Clean(r.ID): // then no attempt has it
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
	return rec, fault("event", fmt.Errorf("%q is not sent, delivered, read or bounced", r.Event))
}

// timeOf is when r happened. A time that cannot be is none, and the store takes its own.
func timeOf(r channel.Receipt) time.Time {
	if r.At.After(time.Now()) || r.At.Before(time.Unix(0, 0)) {
		return time.Time{}
	}
	return micros(r.At)
}

// received tells everybody of a receipt that was stored. Its error means that not all of it is done.
func (n *Notifier) received(ctx context.Context, r *store.Receipt) error {
	d := r.Found
	if r.Ended && (n.onOutcome != nil || n.onTransition != nil) { // of what is leased the engine tells
		n.tellSettled(context.WithoutCancel(ctx), d.MessageID, []store.DeliveryRef{d.DeliveryRef})
	}
	if r.Raised {
		n.announce(TransitionReceived, d.Message.Tenant, Class(d.Lane.Class()), storedOutcome(d), 0)
	}
	n.waiters.tell(d.MessageID)
	if d.Grouped {
		n.engine.Wake(n.lanesOf(Class(d.Lane.Class()))...)
	}
	via := n.media[d.Lane.Channel()]
	if r.Reason != ReasonBounced || r.Failure.Kind != channel.InvalidRecipient || via == nil {
		return nil
	}
	return n.suppress(ctx, via.suppression(d.Message.Tenant, d.To), ReasonBounced)
}

// lanesOf returns the lanes of a class: the peers of a delivery are in those.
func (n *Notifier) lanesOf(c Class) []store.Lane {
	lanes := make([]store.Lane, 0, len(n.media))
	for name := range n.media {
		lanes = append(lanes, store.LaneOf(name, string(c)))
	}
	return lanes
}
