package sqlstore

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// RecordReceipts implements [store.Deliveries].
func (s *Store) RecordReceipts(ctx context.Context, rs []store.Receipt) ([]store.Receipt, error) {
	if len(rs) == 0 {
		return nil, nil
	}
	var unmatched []store.Receipt
	err := s.inTx(ctx, func(ctx context.Context, x *session) (err error) {
		unmatched, err = x.receive(ctx, rs)
		return err
	})
	return unmatched, err
}

func (x *session) receive(ctx context.Context, rs []store.Receipt) (unmatched []store.Receipt, err error) {
	refs := make([]store.DeliveryRef, len(rs))
	var known []store.DeliveryRef
	for i := range rs {
		if refs[i], err = x.match(ctx, &rs[i]); err != nil {
			return nil, err
		}
		if refs[i].MessageID != "" {
			known = append(known, refs[i])
		}
	}
	if err := x.lockMessages(ctx, known); err != nil {
		return nil, err
	}
	now, err := x.now(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := x.lockRows(ctx, known)
	if err != nil {
		return nil, err
	}
	var raised []store.DeliveryRef
	for i := range rs {
		r := rows[refs[i]]
		rs[i].Found, rs[i].Raised, rs[i].Ended = nil, false, false
		if r == nil {
			unmatched = append(unmatched, rs[i])
			continue
		}
		if rs[i].Status.Raises(rs[i].Reason, r.Status, r.Reason) {
			rs[i].Raised, rs[i].Ended = true, !r.Status.Settled() && !r.leased
			if rs[i].Ended {
				r.Claim++
			}
			r.raise(&rs[i], now)
			if err := x.updateRow(ctx, r); err != nil {
				return nil, err
			}
			raised = append(raised, refs[i])
		}
		if err := x.setFound(ctx, r, &rs[i]); err != nil {
			return nil, err
		}
	}
	return unmatched, x.wake(ctx, raised)
}

// match returns the delivery that r is about, or a ref without a MessageID if there is none.
func (x *session) match(ctx context.Context, r *store.Receipt) (ref store.DeliveryRef, err error) {
	if r.MessageID != "" || r.ProviderID == "" {
		return withoutClaim(r.DeliveryRef), nil
	}
	var id uuid
	_, err = x.one(ctx, []any{&id, &ref.Recipient, &ref.Place},
		"select message, recipient, place from {attempts} where provider_id = ? and provider = ? and provider_id <> '' order by at desc limit 1",
		clean(r.ProviderID), clean(r.Provider))
	ref.MessageID = string(id)
	return ref, err
}

// raise settles r with the status of n. A leased delivery stays leased, since its attempt is not logged yet.
func (r *row) raise(n *store.Receipt, now time.Time) {
	r.Status, r.Reason, r.Failure, r.At, r.Due = n.Status, n.Reason, n.Failure, now, time.Time{}
	if !n.At.IsZero() {
		r.At = n.At.Truncate(time.Microsecond).UTC()
	}
}

// setFound sets n.Found to the delivery of r.
func (x *session) setFound(ctx context.Context, r *row, n *store.Receipt) error {
	kept, err := x.attach(ctx, []*row{r})
	if err != nil || len(kept) == 0 {
		return err
	}
	d := r.Delivery
	n.Found = &d
	return nil
}
