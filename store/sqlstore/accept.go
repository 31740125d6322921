package sqlstore

import (
	"bytes"
	"context"

	"github.com/e7ddda3c/notify/store"
)

// AcceptMessages implements [store.Accepter].
func (s *Store) AcceptMessages(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
	if err := checkMessages(ms); err != nil {
		return nil, err
	}
	var as []store.Acceptance
	var fresh []*store.Message
	err := s.accepting(ctx, func(ctx context.Context, x *session) (err error) {
		as, err = x.accept(ctx, ms)
		fresh = x.inserted
		return err
	})
	if err == nil { // committed
		for _, m := range fresh {
			s.cache.add(m)
		}
	}
	return as, err
}

// accepting runs do in a transaction, or without one if the dialect accepts all messages in one statement.
func (s *Store) accepting(ctx context.Context, do func(context.Context, *session) error) error {
	if s.dialect.traits().oneStatement {
		return s.run(ctx, do)
	}
	return s.run(ctx, func(ctx context.Context, _ *session) error { return s.transact(ctx, nil, do) })
}

// Tx returns an Accepter within a transaction of the host: its messages are committed or rolled back together with the host's changes.
// After an error, the host must roll back, and may run the transaction again. Above READ COMMITTED, PostgreSQL returns such an error for
// a key that another transaction has taken in the meantime.
func (s *Store) Tx(q Querier) store.Accepter { return tx{s, q} }

type tx struct {
	s *Store
	q Querier
}

func (t tx) AcceptMessages(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
	if err := checkMessages(ms); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.s.timeout)
	defer cancel()
	x := &session{Store: t.s, q: t.q}
	if err := t.s.fit.check(ctx, x); err != nil {
		return nil, fault(err)
	}
	as, err := x.accept(ctx, ms)
	if err != nil {
		return nil, fault(err)
	}
	return as, nil
}

func (x *session) accept(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
	once, repeated := distinct(ms)
	stored, err := x.dialect.insert(ctx, x, once)
	if err != nil {
		return nil, err
	}
	as := make([]store.Acceptance, len(ms))
	next := 0
	for i := range ms {
		if repeated == nil || !repeated[i] {
			if next++; stored[next-1] {
				continue
			}
		}
		if as[i], err = x.existing(ctx, &ms[i]); err != nil {
			return nil, err
		}
	}
	return as, nil
}

// distinct returns ms without repeated ids. repeated marks the messages left out, and is nil if there are none.
func distinct(ms []store.NewMessage) (once []store.NewMessage, repeated []bool) {
	if len(ms) == 1 {
		return ms, nil
	}
	ids := make(map[string]bool, len(ms))
	repeated = make([]bool, len(ms))
	for i := range ms {
		if repeated[i] = ids[ms[i].ID]; !repeated[i] {
			ids[ms[i].ID] = true
			once = append(once, ms[i])
		}
	}
	if len(once) == len(ms) {
		return ms, nil
	}
	return once, repeated
}

// existing returns the answer for a message that was not stored, because its id exists already or its key is taken.
func (x *session) existing(ctx context.Context, m *store.NewMessage) (store.Acceptance, error) {
	share := x.dialect.traits().share
	var id uuid
	var hash []byte
	found, err := x.one(ctx, []any{&id, &hash}, "select id, hash from {messages} where id = ?"+share, x.dialect.id(m.ID))
	if err != nil || found {
		return store.Acceptance{}, err
	}
	found, err = x.one(ctx, []any{&id, &hash}, "select id, hash from {messages} where tenant = ? and idem = ?"+share, m.Tenant, m.Key)
	if err != nil {
		return store.Acceptance{}, err
	}
	var records []store.MessageRecord
	if found {
		records, err = x.records(ctx, []string{string(id)}, false, "")
	}
	if found && err == nil && len(records) == 0 && share != "" { // the transaction's snapshot is older than the message
		records, err = x.records(ctx, []string{string(id)}, false, share)
	}
	if err == nil && len(records) == 0 { // just pruned or rolled back
		err = errConflict
	}
	if err != nil {
		return store.Acceptance{}, err
	}
	return store.Acceptance{First: &records[0], Differs: !bytes.Equal(hash, requestHash(m))}, nil
}

// messageArgs appends the values of m, in the order of messageValues.
func (x *session) messageArgs(args []any, m *store.NewMessage) []any {
	return append(args, x.dialect.id(m.ID), m.Tenant, key(m.Key), m.Dispatcher, m.Category, m.Class, m.Template, m.AtMostOnce, micros(m.ExpireAt),
		m.Body, requestHash(m))
}

// requestHash returns the hash of m's Request, or nil if that is empty.
func requestHash(m *store.NewMessage) []byte {
	if len(m.Request) == 0 {
		return nil
	}
	return digest(m.Request)
}

// The values of insertedMessage and insertedDelivery, and the number of their parameters.
const (
	messageValues  = "(?, ?, ?, ?, ?, ?, ?, ?, ?, {now}, ?, ?)"
	deliveryValues = "(?, ?, ?, ?, ?, {greatest}(?, {now}), ?, ?, {now}, ?, ?, ?, ?, ?, ?, ?, ?)"
	messageArgs    = 11
	deliveryArgs   = 16
)

// deliveryArgs appends the values of d, in the order of deliveryValues.
func (x *session) deliveryArgs(args []any, id any, d *store.NewDelivery) []any {
	return append(args, id, d.Recipient, d.Place, string(d.Lane), !d.Status.Settled(), micros(d.NotBefore), string(d.Status), string(d.Reason),
		micros(d.NotBefore), d.User, d.To, d.Locale, d.Grouped, suppressionHash(d.Suppression), failureText(d.Failure), d.Body)
}

// insertDeliveries stores the deliveries of the messages that were stored.
func (x *session) insertDeliveries(ctx context.Context, ms []store.NewMessage, stored []bool) error {
	var args []any
	n := 0
	flush := func() error {
		if n == 0 {
			return nil
		}
		err := chunked(n, x.dialect.traits().maxArgs/deliveryArgs, func(from, to int) error {
			_, err := x.exec(ctx, "insert into {deliveries} ("+insertedDelivery+") values "+placeholders(to-from, deliveryValues),
				args[from*deliveryArgs:to*deliveryArgs]...)
			return err
		})
		args, n = args[:0], 0
		return err
	}
	for i := range ms {
		if !stored[i] {
			continue
		}
		id := x.dialect.id(ms[i].ID)
		for j := range ms[i].Deliveries {
			if args, n = x.deliveryArgs(args, id, &ms[i].Deliveries[j]), n+1; n == 500 {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

// chunked calls do for consecutive parts of n rows, of at most maxRows each. The parts have few different sizes, so that prepared
// statements are reused.
func chunked(n, maxRows int, do func(from, to int) error) error {
	sizes := []int{500, 200, 100, 50, 20, 10, 5, 4, 3, 2, 1}
	for from := 0; from < n; {
		size := 1
		for _, s := range sizes {
			if s <= n-from && s <= maxRows {
				size = s
				break
			}
		}
		if err := do(from, from+size); err != nil {
			return err
		}
		from += size
	}
	return nil
}
