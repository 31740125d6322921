package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// sqlite is the dialect of SQLite. Without network round trips, many small prepared statements are fast. There is one writer at a time, so
// the rows that a write transaction has read do not change until the transaction ends.
type sqlite struct{}

func (sqlite) traits() traits {
	return traits{
		folder:      "sqlite",
		greatest:    "max",
		placeholder: '?',
		maxArgs:     32_766,
		prepare:     true,
		oneWriter:   true,
		live:        "live = 1",
		claimIndex:  "indexed by {deliveries}_due",
		ignore:      "on conflict do nothing",
		begin:       "delete from {pauses} where channel = ''", // deletes nothing, but takes the write lock
		nextLane:    "live = 1",
	}
}

func (sqlite) id(id string) any { return id }

func (sqlite) ids(ids []string) (string, []any) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return padded("?", len(ids), args)
}

func (sqlite) keys(refs []store.DeliveryRef) (string, []any) {
	args := make([]any, 0, 3*len(refs))
	for _, r := range refs {
		args = append(args, r.MessageID, r.Recipient, r.Place)
	}
	return "values " + placeholders(len(refs), "(?, ?, ?)"), args
}

func (sqlite) groups(refs []store.DeliveryRef) (string, []any) {
	args := make([]any, 0, 2*len(refs))
	for _, r := range refs {
		args = append(args, r.MessageID, r.Recipient)
	}
	return "values " + placeholders(len(refs), "(?, ?)"), args
}

func (sqlite) insert(ctx context.Context, x *session, ms []store.NewMessage) ([]bool, error) {
	stored := make([]bool, len(ms))
	for i := range ms {
		n, err := x.exec(ctx, "insert into {messages} ("+insertedMessage+") values "+messageValues+" on conflict do nothing",
			x.messageArgs(make([]any, 0, messageArgs), &ms[i])...)
		if err != nil {
			return nil, err
		}
		stored[i] = n == 1
	}
	return stored, x.insertDeliveries(ctx, ms, stored)
}

func (sqlite) claim(ctx context.Context, s *Store, r store.LeaseRequest) (claims, error) {
	return s.claimLanes(ctx, r, func(ctx context.Context, x *session, now time.Time, l store.LaneRoom) ([]*row, error) {
		const due = "{deliveries} {claims} where {live} and lane = ? and due <= ? order by due, message, recipient, place limit ?"
		args := []any{string(l.Lane), micros(now), l.Room}
		var rows []*row
		err := x.query(ctx, func(found *sql.Rows) error {
			r, err := scanClaimed(found)
			rows = append(rows, r)
			return err
		}, "select "+claimedColumns+" from (select * from "+due+") d", args...)
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		for _, found := range rows {
			found.setLeased(now, r.Lease)
		}
		_, err = x.exec(ctx, `update {deliveries} set claim = claim + 1, due = ?, lapsed = lapsed + leased, leased = 1
			where (message, recipient, place) in (select message, recipient, place from `+due+")",
			append([]any{micros(rows[0].Due)}, args...)...)
		return rows, err
	})
}

func (sqlite) settle(ctx context.Context, x *session, ss []store.Settlement, verified bool) ([]bool, error) {
	done := make([]bool, len(ss))
	for i := range ss {
		s := &ss[i]
		n, err := x.exec(ctx, `update {deliveries} set live = ?, due = case when wakes <> ? then {now} else ? end,
			at = case when status = ? then at else {now} end, status = ?, reason = ?, not_before = ?, attempts = ?, spent = ?,
			doubt = ?, duplicate = ?, provider_id = coalesce(nullif(?, ''), provider_id), failure = ?, leased = 0, lapsed = 0, marked = 0
			where message = ? and recipient = ? and place = ? and claim = ? and leased
			and (? or not canceled and status in ('accepted', 'held'))`,
			append(settleArgs(s), s.MessageID, s.Recipient, s.Place, s.Claim, verified)...)
		if err != nil {
			return nil, err
		}
		done[i] = n == 1
		if !done[i] || s.Attempt == nil {
			continue
		}
		if _, err := x.exec(ctx, "insert into {attempts} ("+attemptColumns+") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
			x.attemptArgs(s)...); err != nil {
			return nil, err
		}
	}
	return done, nil
}

func (sqlite) wake(ctx context.Context, x *session, refs []store.DeliveryRef) error {
	for _, r := range refs {
		if _, err := x.exec(ctx, `update {deliveries} set wakes = wakes + 1, due = case when leased then due else min(due, {now}) end
			where message = ? and recipient = ? and place <> ? and grouped and status in ('accepted', 'held')`,
			r.MessageID, r.Recipient, r.Place); err != nil {
			return err
		}
	}
	return nil
}

func (sqlite) extend(ctx context.Context, x *session, es []store.Extension, lease time.Duration) ([]bool, error) {
	found := make([]bool, len(es))
	for i, e := range es {
		n, err := x.exec(ctx, `update {deliveries} set due = case when leased and status in ('accepted', 'held') then {now} + ? else due end,
			marked = marked or ? and leased and status in ('accepted', 'held')
			where message = ? and recipient = ? and place = ? and claim = ?`,
			lease.Microseconds(), e.Marked, e.MessageID, e.Recipient, e.Place, e.Claim)
		if err != nil {
			return nil, err
		}
		found[i] = n == 1
	}
	return found, nil
}

func (sqlite) columns() string { return "select name from pragma_table_info(?)" }

// unfit refuses versions that are too old, and settings that lose commits or make a second writer fail.
func (sqlite) unfit(ctx context.Context, x *session) error {
	var version, journal string
	var timeout, synchronous int
	for _, p := range []struct {
		code string
		into any
	}{
		{"select sqlite_version()", &version},
		{"pragma journal_mode", &journal},
		{"pragma busy_timeout", &timeout},
		{"pragma synchronous", &synchronous},
	} {
		if _, err := x.one(ctx, []any{p.into}, p.code); err != nil {
			return err
		}
	}
	switch {
	case older(version, 3, 38):
		return unfit("SQLite must be 3.38 or later, not %s: use a newer version of the driver", version)
	case journal != "wal":
		return unfit("journal_mode must be WAL, not %s: set it in the data source name, or once with PRAGMA journal_mode = WAL", journal)
	case timeout <= 0:
		return unfit("busy_timeout must be positive on every connection, not %d: set it in the data source name, for example to 5000", timeout)
	case synchronous == 0:
		return unfit("synchronous must be FULL or NORMAL, not OFF, which loses committed data: set it in the data source name")
	}
	return nil
}

func (sqlite) migrate(ctx context.Context, s *Store, do func(*session) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "begin immediate"); err != nil {
		return err
	}
	end := "commit"
	if err = do(&session{Store: s, q: conn}); err != nil {
		end = "rollback"
	}
	if _, failed := conn.ExecContext(context.WithoutCancel(ctx), end); err == nil {
		err = failed
	}
	return err
}

// transient errors are busy (5), locked (6), and a schema that changed since a statement was prepared (17).
func (sqlite) transient(err error) bool {
	switch resultCode(err) {
	case 5, 6, 17:
		return true
	}
	return startsAny(err, "database is locked", "database table is locked") // mattn/go-sqlite3
}

// duplicate is always false: there is no other writer between a read and the insert after it.
func (sqlite) duplicate(error) bool { return false }
