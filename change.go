package notify

import (
	"context"
	"errors"
	"slices"

	"github.com/e7ddda3c/notify/store"
)

// Cancel stops the live deliveries that q selects, and returns their number. The number does not include deliveries that a process holds,
// because their driver may have been called. Such a delivery is not tried again; if it is sent anyway, its reason is [ReasonTooLate]. q must
// have a condition; AnyTenant alone is not a condition.
//
// A large change is made in parts. If Cancel returns an error, the number counts the deliveries that were changed before.
func (n *Notifier) Cancel(ctx context.Context, q Query) (int, error) {
	return n.change(ctx, store.Cancel, q)
}

// Release makes the held deliveries that q selects due now, except for those that a process holds, and returns their number, like Cancel.
func (n *Notifier) Release(ctx context.Context, q Query) (int, error) {
	return n.change(ctx, store.Release, q)
}

// Replay retries the failed and unknown deliveries that q selects, with a new set of attempts, and returns their number, like Cancel. An
// unknown delivery may be sent twice. A delivery that failed without an attempt, because it is invalid, fails again.
func (n *Notifier) Replay(ctx context.Context, q Query) (int, error) {
	return n.change(ctx, store.Replay, q)
}

func (n *Notifier) change(ctx context.Context, action store.Action, q Query) (int, error) {
	filter, err := q.filter()
	if err != nil {
		return 0, err
	}
	switch {
	case n.store == nil:
		return 0, fault("store", ErrNeedsStore)
	case q.everything():
		return 0, fault("query", errors.New("must have a condition"))
	case q.Cursor != "":
		return 0, fault("cursor", errors.New("must be empty: only Log takes a cursor"))
	case q.Limit < 0:
		return 0, fault("limit", errors.New("must not be negative"))
	}
	changed, err := n.store.ChangeDeliveries(ctx, store.Change{Action: action, Filter: filter, Limit: q.Limit})
	n.changed(context.WithoutCancel(ctx), action, changed.Deliveries)
	return len(changed.Deliveries), storeError(err)
}

func (q Query) everything() bool {
	return q.Tenant == "" && q.ID == "" && q.Key == "" && q.User == "" && q.Channel == "" && q.Class == "" && q.Category == "" &&
		q.Template == "" && len(q.Statuses) == 0 && len(q.Reasons) == 0 && q.From.IsZero() && q.To.IsZero()
}

// changed notifies the engine, the callers of Wait and the host of changed deliveries. The refs of a message are adjacent.
func (n *Notifier) changed(ctx context.Context, action store.Action, refs []store.DeliveryRef) {
	if len(refs) == 0 {
		return
	}
	n.engine.Wake()
	tell := action == store.Cancel && (n.onOutcome != nil || n.onTransition != nil)
	for len(refs) > 0 {
		id := refs[0].MessageID
		end := slices.IndexFunc(refs, func(r store.DeliveryRef) bool { return r.MessageID != id })
		if end < 0 {
			end = len(refs)
		}
		n.waiters.tell(id)
		tell = tell && n.tellSettled(ctx, id, refs[:end])
		refs = refs[end:]
	}
}

// tellSettled reports deliveries of one message that were settled without an attempt to the host, and returns whether the store answered.
func (n *Notifier) tellSettled(ctx context.Context, id string, refs []store.DeliveryRef) bool {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	_, rec, err := n.find(ctx, id, false)
	if err != nil {
		n.log.Error("cannot read settled deliveries", "message", id, "error", err)
		return errors.Is(err, ErrNotFound) // just pruned
	}
	report := n.reportOf(ctx, rec)
	for i, d := range rec.Deliveries {
		same := func(r store.DeliveryRef) bool { return r.Recipient == d.Recipient && r.Place == d.Place }
		if !d.Status.Settled() || !slices.ContainsFunc(refs, same) {
			continue
		}
		o := report.Deliveries[i]
		took := max(0, o.At.Sub(rec.Message.AcceptedAt)) // a provider's clock may be slow
		n.announce(TransitionSettled, rec.Message.Tenant, Class(rec.Message.Class), o, took)
	}
	return true
}
