package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/e7ddda3c/notify/store/sqlstore"
)

// rawPrefix is the prefix of the tables of a raw.
const rawPrefix = "raw_"

// A raw writes rows as a host would by hand: those that the store writes for a letter, into tables of the same shape beside the
// store's.
type raw struct {
	*database
	texts   [2]string
	inserts [2]*sql.Stmt // of texts
	rows    [2][]any
	id      any // the message's id in rows, to be replaced
}

// newRaw creates the tables and learns the rows by accepting a letter and reading back its rows.
func (h *house) newRaw(ctx context.Context) (*raw, error) {
	r := &raw{database: h.database}
	other := h.dialect.store(h.DB, &sqlstore.Options{Prefix: rawPrefix})
	if err := other.Migrate(ctx); err != nil {
		return nil, err
	}
	learner := house{h.database, h.dialect, other}
	if err := learner.fill(ctx, 1, letter("email")); err != nil {
		return nil, err
	}
	for i, table := range []string{"messages", "deliveries"} {
		if err := r.learn(ctx, i, rawPrefix+table, h.dialect.place); err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
	}
	return r, r.findID()
}

// learn reads the only row of a table and prepares its INSERT.
func (r *raw) learn(ctx context.Context, i int, table string, place func(int) string) error {
	found, err := r.QueryContext(ctx, `select * from `+table)
	if err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	columns, err := found.Columns()
	if err != nil {
		return err
	}
	r.rows[i] = make([]any, len(columns))
	places, into := make([]string, len(columns)), make([]any, len(columns))
	for c := range columns {
		places[c], into[c] = place(c+1), &r.rows[i][c]
	}
	if !found.Next() {
		return errors.Join(errors.New("has no row"), found.Err())
	}
	if err := errors.Join(found.Scan(into...), found.Close()); err != nil {
		return err
	}
	r.texts[i] = `insert into ` + table + ` (` + strings.Join(columns, ", ") + `) values (` + strings.Join(places, ", ") + `)`
	r.inserts[i], err = r.PrepareContext(ctx, r.texts[i])
	return err
}

// findID takes the first column of messages as the message's id, and checks that the delivery's row has the same value.
func (r *raw) findID() error {
	r.id = r.rows[0][0]
	for _, v := range r.rows[1] {
		if same, ok := equal(v, r.id); ok && same {
			return nil
		}
	}
	return errors.New("the first column of messages must be their id")
}

func equal(a, b any) (same, ok bool) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return a == b, ok
	case []byte:
		b, ok := b.([]byte)
		return bytes.Equal(a, b), ok
	}
	return false, false
}

// renewed returns the rows with a new id.
func (r *raw) renewed() (rows [2][]any, err error) {
	fresh, err := uuid.NewV7()
	if err != nil {
		return rows, err
	}
	id := any(fresh.String())
	if old, ok := r.id.([]byte); ok && len(old) == len(fresh) {
		id = fresh[:]
	}
	for i, row := range r.rows {
		rows[i] = make([]any, len(row))
		for c, v := range row {
			if same, ok := equal(v, r.id); ok && same {
				v = id
			}
			rows[i][c] = v
		}
	}
	return rows, nil
}

// acceptPlainly is accept as a host would write it: the statements are not prepared, except by the driver.
func (r *raw) acceptPlainly(ctx context.Context) error {
	return inTx(ctx, r.DB, func(tx *sql.Tx) error {
		rows, err := r.renewed()
		if err != nil {
			return err
		}
		for i, text := range r.texts {
			if _, err := tx.ExecContext(ctx, text, rows[i]...); err != nil {
				return err
			}
		}
		return nil
	})
}

// accept writes the rows in a transaction of their own: BEGIN, 2 INSERTs, COMMIT, with prepared statements.
func (r *raw) accept(ctx context.Context) error {
	return inTx(ctx, r.DB, func(tx *sql.Tx) error {
		rows, err := r.renewed()
		if err != nil {
			return err
		}
		for i, insert := range r.inserts {
			if _, err := tx.StmtContext(ctx, insert).ExecContext(ctx, rows[i]...); err != nil {
				return err
			}
		}
		return nil
	})
}

// insert writes the first of the rows, outside of a transaction.
func (r *raw) insert(ctx context.Context) error {
	rows, err := r.renewed()
	if err != nil {
		return err
	}
	_, err = r.inserts[0].ExecContext(ctx, rows[0]...)
	return err
}

// inTx runs f in a transaction.
func inTx(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
