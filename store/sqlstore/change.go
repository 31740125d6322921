package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// changeSize is the maximum number of deliveries that one transaction changes.
const changeSize = 500

// ChangeDeliveries implements [store.Deliveries]. It commits in batches: with an error, it returns the changes committed so far.
func (s *Store) ChangeDeliveries(ctx context.Context, c store.Change) (store.Changed, error) {
	var all store.Changed
	statuses := map[store.Action][]store.Status{
		store.Cancel:  {store.Accepted, store.Held},
		store.Release: {store.Held},
		store.Replay:  {store.Failed, store.Unknown},
	}[c.Action]
	if len(statuses) == 0 {
		return all, nil
	}
	var after *store.DeliveryRef
	for left := c.Limit; c.Limit <= 0 || left > 0; {
		size := changeSize
		if c.Limit > 0 {
			size = min(size, left)
		}
		var part store.Changed
		var last *store.DeliveryRef
		err := s.inTx(ctx, func(ctx context.Context, x *session) (err error) {
			part, last, err = x.changePart(ctx, c, statuses, after, size)
			return err
		})
		if err != nil {
			return all, err
		}
		all.Deliveries = append(all.Deliveries, part.Deliveries...)
		all.Leased += part.Leased
		left -= len(part.Deliveries) + part.Leased
		if last == nil {
			break
		}
		after = last
	}
	return all, nil
}

// changePart changes at most size deliveries that come after the given one. It returns the last one, or nil if there are no more.
func (x *session) changePart(ctx context.Context, c store.Change, statuses []store.Status, after *store.DeliveryRef, size int) (part store.Changed, last *store.DeliveryRef, err error) {
	refs, err := x.selected(ctx, c.Filter, statuses, after, size)
	if err != nil || len(refs) == 0 {
		return part, nil, err
	}
	if len(refs) == size {
		last = &refs[size-1]
	}
	if err := x.lockMessages(ctx, refs); err != nil {
		return part, nil, err
	}
	now, err := x.now(ctx)
	if err != nil {
		return part, nil, err
	}
	rows, err := x.lockRows(ctx, refs)
	if err != nil {
		return part, nil, err
	}
	for _, ref := range refs {
		r := rows[ref]
		if r == nil || !allows(statuses, r.Status) || !allows(c.Filter.Statuses, r.Status) || !allows(c.Filter.Reasons, r.Reason) {
			continue // changed since it was selected
		}
		if r.leased {
			part.Leased++
			r.Canceled = r.Canceled || c.Action == store.Cancel
		} else {
			r.change(c.Action, now)
			part.Deliveries = append(part.Deliveries, ref)
		}
		if err := x.updateRow(ctx, r); err != nil {
			return part, nil, err
		}
	}
	return part, last, x.wake(ctx, part.Deliveries)
}

// allows reports whether x is among wanted. An empty wanted allows every x.
func allows[T comparable](wanted []T, x T) bool {
	return len(wanted) == 0 || slices.Contains(wanted, x)
}

// selected returns the deliveries that match a filter, the oldest messages first.
func (x *session) selected(ctx context.Context, f store.Filter, statuses []store.Status, after *store.DeliveryRef, limit int) (refs []store.DeliveryRef, err error) {
	w := x.filter(f)
	oneOf(&w.delivery, "d.status", statuses)
	if after != nil {
		id := x.dialect.id(after.MessageID)
		w.and("m.id >= ?", id)
		w.delivery.and("(d.message > ? or d.recipient > ? or d.recipient = ? and d.place > ?)", id, after.Recipient, after.Recipient, after.Place)
	}
	args := append(w.message.args, w.delivery.args...)
	err = x.query(ctx, func(rows *sql.Rows) error {
		var id uuid
		var ref store.DeliveryRef
		err := rows.Scan(&id, &ref.Recipient, &ref.Place)
		ref.MessageID = string(id)
		refs = append(refs, ref)
		return err
	}, "select d.message, d.recipient, d.place from {messages} m join {deliveries} d on d.message = m.id where "+
		w.message.String()+" and "+w.delivery.String()+" order by m.id, d.recipient, d.place limit ?", append(args, limit)...)
	return refs, err
}

// change applies an action to r, which must not be leased.
func (r *row) change(a store.Action, now time.Time) {
	if a == store.Cancel {
		r.setStatus(store.Canceled, "", now)
		r.Claim++
		return
	}
	if a == store.Replay {
		r.Doubt = r.Doubt || r.Status == store.Unknown
		r.Spent, r.Failure, r.Canceled = 0, nil, false
	}
	r.NotBefore = time.Time{}
	r.setStatus(store.Accepted, "", now)
	r.due = micros(now)
}

// setStatus sets the status of r, and At if the status is a different one.
func (r *row) setStatus(status store.Status, reason store.Reason, at time.Time) {
	if r.Status != status {
		r.At = at
	}
	r.Status, r.Reason = status, reason
}

// updateRow writes the columns that changes and receipts set.
func (x *session) updateRow(ctx context.Context, r *row) error {
	_, err := x.exec(ctx, `update {deliveries} set claim = ?, live = ?, due = ?, status = ?, reason = ?, at = ?, not_before = ?, spent = ?,
		doubt = ?, failure = ?, canceled = ? where message = ? and recipient = ? and place = ?`,
		r.Claim, !r.Status.Settled(), r.due, string(r.Status), string(r.Reason), micros(r.At), micros(r.NotBefore), r.Spent, r.Doubt,
		failureText(r.Failure), r.Canceled, x.dialect.id(r.MessageID), r.Recipient, r.Place)
	return err
}
