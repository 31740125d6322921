package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// MySQL returns a Store in a MySQL or MariaDB database.
func MySQL(db *sql.DB, o *Options) *Store { return open(db, mysql{}, o) }

// mysql is the dialect of MySQL and MariaDB, in the SQL that both support. The rows of a batch are one JSON parameter, so that a statement
// has the same form for any number of rows. There is no RETURNING. The number of affected rows counts the rows found or the rows changed,
// depending on the driver's settings.
type mysql struct{}

func (mysql) traits() traits {
	return traits{
		folder:      "mysql",
		now:         "timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))",
		greatest:    "greatest",
		placeholder: '?',
		maxArgs:     65_535,
		prepare:     true,
		committed:   true,
		live:        "live = 1",
		claimIndex:  "force index ({deliveries}_due)",
		nextLane:    "1 = 1", // all lanes: the index cannot skip those without live deliveries
		share:       " lock in share mode",
		lock:        " for update",
		lockRows:    " for update",
		ignore:      "on duplicate key update kind = kind",
	}
}

// id returns an empty value for a malformed id. No message has an empty id.
func (mysql) id(id string) any {
	b, ok := parse(id)
	if !ok {
		return []byte{}
	}
	return b[:]
}

func (m mysql) ids(ids []string) (string, []any) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = m.id(id)
	}
	return padded("?", len(ids), args)
}

func (m mysql) keys(refs []store.DeliveryRef) (string, []any) {
	args := make([]any, 0, 3*len(refs))
	for _, r := range refs {
		args = append(args, m.id(r.MessageID), r.Recipient, r.Place)
	}
	return padded("(?, ?, ?)", len(refs), args)
}

func (m mysql) groups(refs []store.DeliveryRef) (string, []any) {
	args := make([]any, 0, 2*len(refs))
	for _, r := range refs {
		args = append(args, m.id(r.MessageID), r.Recipient)
	}
	return padded("(?, ?)", len(refs), args)
}

// insert stores a chunk of messages in one statement or, if that finds an id or key taken, one message at a time. An insert that ignores
// duplicates is no alternative: its number of affected rows depends on the driver's settings.
func (m mysql) insert(ctx context.Context, x *session, ms []store.NewMessage) ([]bool, error) {
	stored := make([]bool, len(ms))
	err := chunked(len(ms), 500, func(from, to int) error {
		err := m.insertMessages(ctx, x, ms[from:to])
		for i := from; i < to; i++ {
			stored[i] = err == nil
		}
		if to-from == 1 || !m.duplicate(err) {
			return m.unlessDuplicate(err)
		}
		for i := from; i < to; i++ {
			err := m.insertMessages(ctx, x, ms[i:i+1])
			if stored[i] = err == nil; m.unlessDuplicate(err) != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return stored, x.insertDeliveries(ctx, ms, stored)
}

func (mysql) insertMessages(ctx context.Context, x *session, ms []store.NewMessage) error {
	var args []any
	for i := range ms {
		args = x.messageArgs(args, &ms[i])
	}
	_, err := x.exec(ctx, "insert into {messages} ("+insertedMessage+") values "+placeholders(len(ms), messageValues), args...)
	return err
}

func (m mysql) unlessDuplicate(err error) error {
	if m.duplicate(err) {
		return nil
	}
	return err
}

func (m mysql) claim(ctx context.Context, s *Store, r store.LeaseRequest) (claims, error) {
	return s.claimLanes(ctx, r, func(ctx context.Context, x *session, now time.Time, l store.LaneRoom) ([]*row, error) {
		var rows []*row
		var taken rowsOf
		err := x.query(ctx, func(found *sql.Rows) error {
			r, err := scanClaimed(found)
			if err == nil {
				rows = append(rows, r)
				taken.add(r.DeliveryRef)
			}
			return err
		}, "select "+claimedColumns+" from {deliveries} d {claims} where {live} and lane = ? and due <= ? order by due limit ? for update skip locked",
			string(l.Lane), micros(now), l.Room)
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		for _, found := range rows {
			found.setLeased(now, r.Lease)
		}
		_, err = x.exec(ctx, "update "+byKey()+" set d.lapsed = d.lapsed + d.leased, d.leased = 1, d.claim = d.claim + 1, d.due = ?",
			taken.json(), micros(rows[0].Due))
		return rows, err
	})
}

func (m mysql) settle(ctx context.Context, x *session, ss []store.Settlement, verified bool) ([]bool, error) {
	var settled, called rowsOf
	for i := range ss {
		s := &ss[i]
		settled.add(s.DeliveryRef, append([]any{s.Claim}, settleArgs(s)...)...)
		if s.Attempt != nil {
			called.add(s.DeliveryRef, x.attemptArgs(s)[3:]...)
		}
	}
	n, err := x.exec(ctx, "update "+byKey("claim bigint", "live bool", "wakes bigint", "due bigint", "same varchar(16)", "status varchar(16)",
		"reason "+name, "not_before bigint", "attempts int", "spent int", "doubt bool", "duplicate bool", "provider_id "+name, "failure "+long)+`
		set d.live = v.live, d.due = case when d.wakes <> v.wakes then {now} else v.due end,
			d.at = case when d.status = v.status then d.at else {now} end, d.status = v.status, d.reason = v.reason, d.not_before = v.not_before,
			d.attempts = v.attempts, d.spent = v.spent, d.doubt = v.doubt, d.duplicate = v.duplicate,
			d.provider_id = coalesce(nullif(v.provider_id, ''), d.provider_id), d.failure = v.failure, d.leased = 0, d.lapsed = 0, d.marked = 0
		where d.claim = v.claim and d.leased = 1 and (? or not d.canceled and d.status in ('accepted', 'held'))`, settled.json(), verified)
	if err == nil && n < len(ss) {
		err = errPartial
	}
	if err == nil && len(called) > 0 {
		_, err = x.exec(ctx, "insert into {attempts} ("+attemptColumns+`)
			select unhex(message), recipient, place, claim, at, took, status, reason, provider, provider_id, code, duplicate, failure from `+
			table("message char(32)", "recipient int", "place int", "claim bigint", "at bigint", "took bigint", "status varchar(16)", "reason "+name,
				"provider "+name, "provider_id "+name, "code "+name, "duplicate bool", "failure "+long)+`
			on duplicate key update {attempts}.place = {attempts}.place`, called.json())
	}
	if err != nil {
		return nil, err
	}
	done := make([]bool, len(ss))
	for i := range done {
		done[i] = true
	}
	return done, nil
}

func (m mysql) wake(ctx context.Context, x *session, refs []store.DeliveryRef) error {
	var wakers rowsOf
	for _, r := range refs {
		wakers.add(r)
	}
	_, err := x.exec(ctx, "update "+table("message char(32)", "recipient int", "place int")+`
		straight_join {deliveries} d on d.message = unhex(v.message) and d.recipient = v.recipient
		set d.wakes = d.wakes + 1, d.due = case when d.leased then d.due else least(d.due, {now}) end
		where d.place <> v.place and d.grouped and d.status in ('accepted', 'held')`, wakers.json())
	return err
}

// extend reads the rows first, because the number of changed rows does not tell which rows exist.
func (m mysql) extend(ctx context.Context, x *session, es []store.Extension, lease time.Duration) ([]bool, error) {
	refs := make([]store.DeliveryRef, len(es))
	for i, e := range es {
		refs[i] = e.DeliveryRef
	}
	rows, err := x.lockRows(ctx, refs)
	if err != nil {
		return nil, err
	}
	found := make([]bool, len(es))
	var running rowsOf
	for i, e := range es {
		r := rows[withoutClaim(e.DeliveryRef)]
		if found[i] = r != nil && r.Claim == e.Claim; found[i] && r.leased && !r.Status.Settled() {
			running.add(e.DeliveryRef, e.Marked)
		}
	}
	if len(running) == 0 {
		return found, nil
	}
	_, err = x.exec(ctx, "update "+byKey("marked bool")+" set d.due = {now} + ?, d.marked = d.marked or v.marked",
		running.json(), lease.Microseconds())
	return found, err
}
