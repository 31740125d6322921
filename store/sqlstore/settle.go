package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/e7ddda3c/notify/store"
)

// errPartial reports that a dialect cannot tell which settlements it wrote. The transaction is rolled back.
var errPartial = errors.New("some settlements were not written")

// SettleDeliveries implements [store.Deliveries].
//
// All settlements are first written optimistically, without reading the rows. The deliveries that were settled or canceled in the meantime,
// or that have another claim, are then locked, and each of their settlements is decided by its row.
func (s *Store) SettleDeliveries(ctx context.Context, ss []store.Settlement) (lost []store.DeliveryRef, err error) {
	if len(ss) == 0 {
		return nil, nil
	}
	for i := range ss {
		ss[i].Overtaken = nil
	}
	contended := contendedOf(ss)
	rest := ss
	optimistic := func(ctx context.Context, x *session) error {
		if err := x.lockMessages(ctx, contended); err != nil {
			return err
		}
		done, err := s.dialect.settle(ctx, x, ss, false)
		if err != nil {
			return err
		}
		written, left := split(ss, done)
		rest = left
		return x.wake(ctx, wakersOf(written))
	}
	if s.dialect.traits().oneStatement && len(contended) == 0 {
		err = s.run(ctx, optimistic)
	} else {
		err = s.inTx(ctx, optimistic)
	}
	if errors.Is(err, errPartial) {
		err, rest = nil, ss
	}
	if err != nil || len(rest) == 0 {
		return nil, err
	}
	var overtaken standings
	err = s.inTx(ctx, func(ctx context.Context, x *session) (err error) {
		lost, overtaken, err = x.settleUnderLock(ctx, rest)
		return err
	})
	for i := range ss {
		ss[i].Overtaken = overtaken[ss[i].DeliveryRef]
	}
	return lost, err
}

// wakersOf returns the deliveries whose settlements wake their peers.
func wakersOf(ss []store.Settlement) (refs []store.DeliveryRef) {
	for i := range ss {
		if ss[i].Wake {
			refs = append(refs, ss[i].DeliveryRef)
		}
	}
	return refs
}

// contendedOf returns the deliveries whose rows a concurrent wake may lock in another order. Settling these requires the locks of their
// messages. A settlement with Wake belongs to a group. One that leaves a delivery live may belong to a group, too; but if it is the only
// settlement, it locks a single row, and that cannot deadlock.
func contendedOf(ss []store.Settlement) (refs []store.DeliveryRef) {
	for i := range ss {
		if ss[i].Wake || len(ss) > 1 && !ss[i].Status.Settled() {
			refs = append(refs, ss[i].DeliveryRef)
		}
	}
	return refs
}

// split separates the settlements that are done from the others.
func split(ss []store.Settlement, done []bool) (written, rest []store.Settlement) {
	if !slices.Contains(done, false) {
		return ss, nil
	}
	for i := range ss {
		if done[i] {
			written = append(written, ss[i])
		} else {
			rest = append(rest, ss[i])
		}
	}
	return written, rest
}

// standings are the current states of deliveries that were settled or canceled in the meantime.
type standings map[store.DeliveryRef]*store.Standing

// settleUnderLock locks the deliveries, reconciles each settlement with the row, and writes the result. It returns the deliveries whose
// claim is lost, and the standings of those that a receipt or a cancellation has overtaken.
func (x *session) settleUnderLock(ctx context.Context, ss []store.Settlement) (lost []store.DeliveryRef, overtaken standings, err error) {
	refs := make([]store.DeliveryRef, len(ss))
	for i := range ss {
		refs[i] = ss[i].DeliveryRef
	}
	if err := x.lockMessages(ctx, refs); err != nil {
		return nil, nil, err
	}
	rows, err := x.lockRows(ctx, refs)
	if err != nil {
		return nil, nil, err
	}
	var verified []store.Settlement
	overtaken = make(standings)
	for i := range ss {
		r := rows[withoutClaim(ss[i].DeliveryRef)]
		if r == nil || r.Claim != ss[i].Claim {
			lost = append(lost, ss[i].DeliveryRef)
			continue
		}
		s := reconcile(ss[i], r)
		if s.Status != ss[i].Status || s.Reason != ss[i].Reason || r.Canceled {
			overtaken[s.DeliveryRef] = &store.Standing{Status: s.Status, Reason: s.Reason, Failure: s.Failure, Canceled: r.Canceled}
		}
		if r.leased { // otherwise the call is a repetition
			r.leased = false
			verified = append(verified, s)
		}
	}
	if len(verified) == 0 {
		return lost, overtaken, nil
	}
	if _, err := x.dialect.settle(ctx, x, verified, true); err != nil {
		return nil, nil, err
	}
	return lost, overtaken, x.wake(ctx, wakersOf(verified))
}

// reconcile adapts s to the row r: a settled delivery keeps its status, and a canceled one does not stay live.
func reconcile(s store.Settlement, r *row) store.Settlement {
	switch {
	case r.Status.Settled():
		s.Status, s.Reason, s.NotBefore, s.Failure = r.Status, r.Reason, r.NotBefore, r.Failure
	case r.Canceled && !s.Status.Settled():
		s.Status, s.Reason, s.Wake = store.Canceled, "", true
	}
	return s
}

// settleArgs returns the values of a settlement. The status occurs twice, for a comparison and an assignment.
func settleArgs(s *store.Settlement) []any {
	wakes := s.Wakes
	if s.Due.IsZero() {
		wakes = -1 // differs from every stored count, which makes the delivery due at once
	}
	provider := ""
	if s.Attempt != nil {
		provider = clean(s.Attempt.ProviderID)
	}
	return []any{!s.Status.Settled(), wakes, micros(s.Due), string(s.Status), string(s.Status), string(s.Reason), micros(s.NotBefore), s.Attempts, s.Spent,
		s.Doubt, s.Duplicate, provider, failureText(s.Failure)}
}

// attemptArgs returns the values of a settlement's attempt, in the order of attemptColumns.
func (x *session) attemptArgs(s *store.Settlement) []any {
	a := s.Attempt
	return []any{x.dialect.id(s.MessageID), s.Recipient, s.Place, s.Claim, micros(a.At), a.Took.Microseconds(), string(a.Status), clean(string(a.Reason)),
		clean(a.Provider), clean(a.ProviderID), clean(a.Code), a.Duplicate, failureText(a.Failure)}
}

// lockMessages locks the messages of refs in the order of their ids. A transaction that changes more than one delivery of a group must
// call it first, or it may deadlock with another one.
func (x *session) lockMessages(ctx context.Context, refs []store.DeliveryRef) error {
	lock := x.dialect.traits().lock
	if lock == "" || len(refs) == 0 {
		return nil
	}
	ids := messageIDs(refs)
	return x.byIDs(ids, func(in string, args []any) error {
		return x.query(ctx, func(*sql.Rows) error { return nil },
			"select id from {messages} where id in ("+in+") order by id"+lock, args...)
	})
}

func messageIDs(refs []store.DeliveryRef) []string {
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = r.MessageID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// lockRows reads deliveries and locks them until the end of the transaction.
func (x *session) lockRows(ctx context.Context, refs []store.DeliveryRef) (map[store.DeliveryRef]*row, error) {
	rows := make(map[store.DeliveryRef]*row, len(refs))
	for part := range slices.Chunk(refs, 500) {
		in, args := x.dialect.keys(part)
		err := x.query(ctx, func(found *sql.Rows) error {
			r, err := scanRow(found)
			if err == nil {
				rows[withoutClaim(r.DeliveryRef)] = r
			}
			return err
		}, "select "+deliveryColumns+" from {deliveries} d where (message, recipient, place) in ("+in+
			") order by message, recipient, place"+x.dialect.traits().lockRows, args...)
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// withoutClaim returns ref with Claim 0, as a key of maps.
func withoutClaim(ref store.DeliveryRef) store.DeliveryRef {
	ref.Claim = 0
	return ref
}

// wake wakes the live, grouped peers of refs.
func (x *session) wake(ctx context.Context, refs []store.DeliveryRef) error {
	if len(refs) == 0 {
		return nil
	}
	return x.dialect.wake(ctx, x, refs)
}
