package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// claims is the result of a claim.
type claims struct {
	now  time.Time
	rows []*row                   // by lane, the longest due first
	next map[store.Lane]time.Time // when lanes are next due, for store.Leases.NextDue
}

// LeaseDeliveries implements [store.Deliveries].
func (s *Store) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	r.Lanes = slices.DeleteFunc(slices.Clone(r.Lanes), func(l store.LaneRoom) bool { return l.Room <= 0 })
	var c claims
	var ds []store.Leased
	err := s.run(ctx, func(ctx context.Context, x *session) (err error) {
		if len(r.Lanes) == 0 {
			c.now, err = x.now(ctx)
			return err
		}
		c, err = s.dialect.claim(ctx, s, r)
		return err
	})
	if err == nil && len(c.rows) > 0 { // retried on its own, since the claim is committed
		err = s.run(ctx, func(ctx context.Context, x *session) (err error) {
			ds, err = s.leased(ctx, x, c.rows)
			return err
		})
	}
	if err != nil {
		return store.Leases{}, err
	}
	return store.Leases{Now: c.now, Deliveries: ds, NextDue: c.next}, nil
}

// leased adds the messages, and the progress of groups, to claimed deliveries.
func (s *Store) leased(ctx context.Context, x *session, rows []*row) ([]store.Leased, error) {
	rows, err := x.attach(ctx, rows)
	if err != nil {
		return nil, err
	}
	leased := make([]store.Leased, len(rows))
	var grouped []*store.Leased
	for i, r := range rows {
		leased[i].Delivery, leased[i].Suppressed = r.Delivery, r.suppressed
		if r.Grouped {
			grouped = append(grouped, &leased[i])
		}
	}
	if len(grouped) > 0 {
		err = x.groups(ctx, grouped)
	}
	return leased, err
}

// groups reads the groups of ls together with the wakes of ls. A single query returns both as of the same instant.
func (x *session) groups(ctx context.Context, ls []*store.Leased) error {
	type group struct {
		message   string
		recipient int
	}
	members := make(map[group][]store.Progress, len(ls))
	wakes := make(map[store.DeliveryRef]int64, len(ls))
	refs := make([]store.DeliveryRef, len(ls))
	for i, l := range ls {
		refs[i] = l.DeliveryRef
	}
	in, args := x.dialect.groups(refs)
	err := x.query(ctx, func(rows *sql.Rows) error {
		var id uuid
		var g group
		var p store.Progress
		var lane store.Lane
		var at, count int64
		if err := rows.Scan(&id, &g.recipient, &p.Place, &lane, &p.To, &p.Attempts, &p.Status, &p.Reason, &at, &count); err != nil {
			return err
		}
		g.message, p.Channel, p.At = string(id), lane.Channel(), instant(at)
		members[g] = append(members[g], p)
		wakes[store.DeliveryRef{MessageID: g.message, Recipient: g.recipient, Place: p.Place}] = count
		return nil
	}, `select message, recipient, place, lane, address, attempts, status, reason, at, wakes from {deliveries} d
		where (message, recipient) in (`+in+`) order by place`, args...)
	for _, l := range ls {
		l.Group = members[group{l.MessageID, l.Recipient}]
		l.Wakes = wakes[store.DeliveryRef{MessageID: l.MessageID, Recipient: l.Recipient, Place: l.Place}]
	}
	return err
}

// claimLanes implements claim for databases that cannot claim in one statement. It first reads which lanes have due deliveries and when
// each lane is next due. Then it calls take for the lanes with due deliveries, in one transaction.
func (s *Store) claimLanes(ctx context.Context, r store.LeaseRequest, take func(context.Context, *session, time.Time, store.LaneRoom) ([]*row, error)) (claims, error) {
	x := &session{Store: s, q: s.db}
	c, due, err := x.lanes(ctx, r.Lanes)
	if err != nil || len(due) == 0 {
		return c, err
	}
	got := make(map[store.Lane]int, len(due))
	err = s.transact(ctx, s.isolation(), func(ctx context.Context, x *session) error {
		c.rows = nil
		for _, l := range due {
			rows, err := take(ctx, x, c.now, l)
			if err != nil {
				return err
			}
			got[l.Lane] = len(rows)
			c.rows = append(c.rows, rows...)
		}
		return nil
	})
	for _, l := range due {
		c.setNext(l, got[l.Lane], c.now.Add(r.Lease))
	}
	return c, err
}

// setNext corrects the next due time of a lane that gave got deliveries, whose leases run out at until.
func (c *claims) setNext(l store.LaneRoom, got int, until time.Time) {
	later, ok := c.next[l.Lane]
	switch {
	case got >= l.Room:
		delete(c.next, l.Lane)
	case got > 0 && (!ok || until.Before(later)): // the leases just taken are the lane's next deliveries
		c.next[l.Lane] = until
	}
}

// maxLanes is the maximum number of lanes in one query. SQLite allows 500 SELECTs in a UNION.
const maxLanes = 400

// lanes reads the time, the lanes that have due deliveries, and the time at which each lane is next due after now.
func (x *session) lanes(ctx context.Context, lanes []store.LaneRoom) (c claims, due []store.LaneRoom, err error) {
	c.next = make(map[store.Lane]time.Time, len(lanes))
	for some := range slices.Chunk(lanes, maxLanes) {
		found, err := x.someLanes(ctx, &c, some)
		if err != nil {
			return c, nil, err
		}
		due = append(due, found...)
	}
	return c, due, nil
}

// someLanes adds the time and the next due times of a few lanes to c, and returns the lanes that have due deliveries.
func (x *session) someLanes(ctx context.Context, c *claims, lanes []store.LaneRoom) (due []store.LaneRoom, err error) {
	const least = "(select min(due) from {deliveries} {claims} where {live} and lane = ? and due "
	code, args := "", make([]any, 0, 3*len(lanes))
	for i, l := range lanes {
		if i > 0 {
			code += " union all "
		}
		code += "select ?, {now}, " + least + "<= {now}) is not null, " + least + "> {now})"
		args = append(args, i, string(l.Lane), string(l.Lane))
	}
	err = x.query(ctx, func(rows *sql.Rows) error {
		var i int
		var now int64
		var some bool
		var later sql.NullInt64
		if err := rows.Scan(&i, &now, &some, &later); err != nil {
			return err
		}
		c.now = instant(now)
		if some {
			due = append(due, lanes[i])
		}
		if later.Valid {
			c.next[lanes[i].Lane] = instant(later.Int64)
		}
		return nil
	}, code, args...)
	return due, err
}

// setLeased changes r as the UPDATE of a claim changes the stored row.
func (r *row) setLeased(now time.Time, lease time.Duration) {
	if r.leased {
		r.Lapsed++
	}
	r.leased = true
	r.Claim++
	r.Due = now.Add(lease).Truncate(time.Microsecond)
}

// inOrder sorts claimed rows by lane, in the order of the request, and then by due time, the longest due first.
func inOrder(rows []*row, lanes []store.LaneRoom) {
	place := make(map[store.Lane]int, len(lanes))
	for i, l := range lanes {
		place[l.Lane] = i
	}
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(place[a.Lane], place[b.Lane]), cmp.Compare(a.due, b.due), cmp.Compare(a.MessageID, b.MessageID),
			cmp.Compare(a.Recipient, b.Recipient), cmp.Compare(a.Place, b.Place))
	})
}

// ExtendLeases implements [store.Deliveries].
func (s *Store) ExtendLeases(ctx context.Context, es []store.Extension, lease time.Duration) ([]store.DeliveryRef, error) {
	if len(es) == 0 {
		return nil, nil
	}
	var lost []store.DeliveryRef
	err := s.inTx(ctx, func(ctx context.Context, x *session) error {
		if len(es) > 1 { // the lock of a single row cannot deadlock
			if err := x.lockMessages(ctx, refsOf(es)); err != nil {
				return err
			}
		}
		found, err := s.dialect.extend(ctx, x, es, lease)
		if err != nil {
			return err
		}
		lost = nil
		for i, e := range es {
			if !found[i] {
				lost = append(lost, e.DeliveryRef)
			}
		}
		return nil
	})
	return lost, err
}

func refsOf(es []store.Extension) []store.DeliveryRef {
	refs := make([]store.DeliveryRef, len(es))
	for i, e := range es {
		refs[i] = e.DeliveryRef
	}
	return refs
}
