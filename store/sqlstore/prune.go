package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// pruneSize is the maximum number of messages that one query reads, and that one transaction deletes.
const pruneSize = 200

// PruneMessages implements [store.Deliveries].
//
// There is no index of acceptance times, because the ids are in nearly the same order. The search reads messages by id, and ends at a page
// on which all are younger.
func (s *Store) PruneMessages(ctx context.Context, before time.Time, limit int) (int, error) {
	pruned := 0
	for after := ""; pruned < limit; {
		var old []string
		var last string
		err := s.run(ctx, func(ctx context.Context, x *session) (err error) {
			old, last, err = x.prunable(ctx, before, after)
			return err
		})
		if err != nil {
			return pruned, err
		}
		old = old[:min(len(old), limit-pruned)]
		if len(old) > 0 {
			n := 0
			err = s.inTx(ctx, func(ctx context.Context, x *session) (err error) {
				n, err = x.prune(ctx, old)
				return err
			})
			if err != nil {
				return pruned, err
			}
			pruned += n
		}
		if last == "" {
			break
		}
		after = last
	}
	return pruned, nil
}

// prunable reads one page of messages after the given id. It returns the messages to prune, and the id after which the next page begins, or
// "" if there is nothing more to prune.
func (x *session) prunable(ctx context.Context, before time.Time, after string) (old []string, last string, err error) {
	code, args := "select id, accepted_at, "+finished+" from {messages} m", []any{}
	if after != "" {
		code, args = code+" where id > ?", append(args, x.dialect.id(after))
	}
	seen, young := 0, 0
	err = x.query(ctx, func(rows *sql.Rows) error {
		var id uuid
		var at int64
		var done bool
		err := rows.Scan(&id, &at, &done)
		last = string(id)
		seen++
		switch {
		case at >= micros(before):
			young++
		case done:
			old = append(old, last)
		}
		return err
	}, code+" order by id limit ?", append(args, pruneSize)...)
	if seen < pruneSize || young == seen {
		last = ""
	}
	return old, last, err
}

// finished is the condition that message m has no live delivery.
const finished = "not exists (select 1 from {deliveries} d where d.message = m.id and d.status in ('accepted', 'held'))"

// prune deletes the messages that are still finished, with their deliveries and attempts, and returns the number of messages deleted.
func (x *session) prune(ctx context.Context, ids []string) (n int, err error) {
	refs := make([]store.DeliveryRef, len(ids))
	for i, id := range ids {
		refs[i].MessageID = id
	}
	if err := x.lockMessages(ctx, refs); err != nil { // excludes a concurrent replay
		return 0, err
	}
	var gone []string
	err = x.byIDs(ids, func(in string, args []any) error {
		return x.query(ctx, func(rows *sql.Rows) error {
			var id uuid
			err := rows.Scan(&id)
			gone = append(gone, string(id))
			return err
		}, "select id from {messages} m where id in ("+in+") and "+finished, args...)
	})
	if err != nil {
		return 0, err
	}
	// Deliveries go first: a settlement in flight then either has logged its attempt already, or finds no delivery.
	for _, code := range []string{"delete from {deliveries} where message in (", "delete from {attempts} where message in (", "delete from {messages} where id in ("} {
		err := x.byIDs(gone, func(in string, args []any) error {
			_, err := x.exec(ctx, code+in+")", args...)
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}
