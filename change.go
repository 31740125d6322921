package notify

import (
	"context"
	"errors"
	"slices"

	"github.com/e7ddda3c/notify/store"
)

// Cancel stops what is live of the deliveries that q selects, and returns how many it stopped. Those that a process holds are not
// counted, since their drivers may be under way: they are canceled as soon as they would be tried again, and what went out all the
// same has the reason [ReasonTooLate]. A q without any condition is refused, and AnyTenant alone is none.
//
// A large change is made part by part. With an error, the count says how many were changed until then.
func (n *Notifier) Cancel(ctx context.Context, q Query) (int, error) {
	return n.change(ctx, store.Cancel, q)
}

// Release lets those of the held deliveries that q selects go out at once that no process holds, and returns how many, as Cancel does.
func (n *Notifier) Release(ctx context.Context, q Query) (int, error) {
	return n.change(ctx, store.Release, q)
}

// Replay tries again those deliveries that q selects and that failed or are unknown, with all their attempts, and returns how many, as
// Cancel does. What was unknown may go out twice. What failed for its own sake, without an attempt, fails again.
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
		return 0, fault("query", errors.New("would change everything; give a condition"))
	case q.Cursor != "":
		return 0, fault("cursor", errors.New("is for pages"))
	case q.Limit < 0:
		return 0, fault("limit", errors.New("is negative"))
	}
	changed, err := n.store.ChangeDeliveries(ctx, store.Change{Action: action, Filter: filter, Limit: q.Limit})
	n.changed(context.WithoutCancel(ctx), action, changed.Deliveries)
	return len(changed.Deliveries), storeError(err)
}

// everything reports whether q has no condition.
func (q Query) everything() bool {
	return q.Tenant == "" && q.ID == "" && q.Key == "" && q.User == "" && q.Channel == "" && q.Class == "" && q.Category == "" &&
		q.Template == "" && len(q.Statuses) == 0 && len(q.Reasons) == 0 && q.From.IsZero() && q.To.IsZero()
}

// changed tells the engine, those who wait and the host of what was changed. The refs of a message stand together.
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

// tellSettled tells the host of deliveries of one message that were settled by something else than an attempt, and reports whether the
// store could be asked.
func (n *Notifier) tellSettled(ctx context.Context, id string, refs []store.DeliveryRef) bool {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	rec, err := n.find(ctx, id)
	if err != nil {
		n.log.Error("cannot read what was settled", "message", id, "error", err)
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
