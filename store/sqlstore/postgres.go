package sqlstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// Postgres returns a Store in a PostgreSQL database.
func Postgres(db *sql.DB, o *Options) *Store { return open(db, postgres{}, o) }

// postgres is the dialect of PostgreSQL. A batch is one statement, with the rows in arrays.
//
// Every batch must look its rows up by key, whatever the size of the table. Two properties of the planner work against that:
//   - It reuses a generic plan that seems no costlier than custom ones. A plan made for a small table scans the whole table, even after
//     the table has grown. customPlan prevents generic plans.
//   - It prefers a scan of ten thousand rows to a hundred lookups. Conditions such as "v.place = coalesce(v.place, v.place)" are always
//     true, but the planner expects them to hold for one row in two hundred, and so chooses lookups.
type postgres struct{}

// customPlan is an item of a FROM clause. Both parameters must be 1: it then yields a single row. A generic plan, which does not know the
// parameters, expects a million rows and seems too costly to be reused.
const customPlan = "generate_series(1, ?::int) plan1, generate_series(1, ?::int) plan2"

func (postgres) traits() traits {
	return traits{
		folder:       "postgres",
		now:          "(extract(epoch from clock_timestamp()) * 1000000)::bigint",
		greatest:     "greatest",
		placeholder:  '$',
		maxArgs:      65_535,
		oneStatement: true,
		committed:    true,
		live:         "live",
		nextLane:     "live",
		lock:         " for no key update",
		lockRows:     " for update",
		ignore:       "on conflict do nothing",
	}
}

// id returns the nil UUID for a malformed id: PostgreSQL would refuse the id itself, and no message has the nil UUID.
func (postgres) id(id string) any {
	if _, ok := parse(id); !ok {
		return "00000000-0000-0000-0000-000000000000"
	}
	return id
}

func (p postgres) ids(ids []string) (string, []any) {
	a := make(arrays, 1)
	for _, id := range ids {
		a.row(p.id(id))
	}
	return "select v from unnest(?::uuid[]) v, " + customPlan + " where v = coalesce(v, v)", append(a.args(), 1, 1)
}

func (p postgres) keys(refs []store.DeliveryRef) (string, []any) {
	a := make(arrays, 3)
	for _, r := range refs {
		a.row(p.id(r.MessageID), r.Recipient, r.Place)
	}
	return "select v.* from unnest(?::uuid[], ?::int[], ?::int[]) v(message, recipient, place), " + customPlan +
		" where v.place = coalesce(v.place, v.place)", append(a.args(), 1, 1)
}

func (p postgres) groups(refs []store.DeliveryRef) (string, []any) {
	a := make(arrays, 2)
	for _, r := range refs {
		a.row(p.id(r.MessageID), r.Recipient)
	}
	return "select v.* from unnest(?::uuid[], ?::int[]) v(message, recipient), " + customPlan +
		" where v.recipient = coalesce(v.recipient, v.recipient)", append(a.args(), 1, 1)
}

func (postgres) claim(ctx context.Context, s *Store, r store.LeaseRequest) (claims, error) {
	c := claims{next: make(map[store.Lane]time.Time)}
	x := &session{Store: s, q: s.db}
	lanes, total := make(arrays, 2), 0
	for _, l := range r.Lanes {
		lanes.row(string(l.Lane), l.Room)
		total += l.Room
	}
	var now int64
	got := make(map[store.Lane]int)
	args := append(lanes.args(), 1, 1, total, r.Lease.Microseconds())
	err := x.query(ctx, func(rows *sql.Rows) error {
		var was, later sql.NullInt64
		r, err := scanClaimed(rows, &was, &now, &later)
		switch {
		case err != nil:
			return err
		case was.Valid:
			r.due = was.Int64
			c.rows = append(c.rows, r)
			got[r.Lane]++
		case later.Valid:
			c.next[r.Lane] = instant(later.Int64)
		}
		return nil
	}, claimPostgres, args...)
	if err != nil {
		return c, err
	}
	c.now = instant(now)
	inOrder(c.rows, r.Lanes)
	for _, l := range r.Lanes {
		c.setNext(l, got[l.Lane], c.now.Add(r.Lease))
	}
	return c, nil
}

// claimPostgres returns the claimed deliveries, each with its previous due time in "was", and one row without that for each lane that gave
// fewer than its room, with the lane's next due time in "later".
const claimPostgres = `with clock as materialized (select {now} as now),
	lanes as materialized (select * from unnest(?::text[], ?::int[]) as l(lane, room)),
	picked as materialized (
		select d.* from ` + customPlan + `, lanes l, lateral (
			select message, recipient, place, due from {deliveries}
			where live and lane = l.lane and due <= (select now from clock)
			order by due limit l.room for update skip locked) d
		limit ?),
	taken as (
		update {deliveries} d
		set claim = d.claim + 1, due = (select now from clock) + ?::bigint, lapsed = d.lapsed + d.leased::int, leased = true
		from picked p where p.place = coalesce(p.place, p.place) and d.message = p.message and d.recipient = p.recipient and d.place = p.place
		returning ` + claimedColumns + `, p.due as was)
	select t.*, (select now from clock) as now, null::bigint as later from taken t
	union all
	select '00000000-0000-0000-0000-000000000000', 0, 0, 0, l.lane, '', '', '', false, false, '', '', 0, 0, 0, 0, 0, false, false, '', 0, false, 0,
		false, '', null, null, null, (select now from clock),
		(select min(due) from {deliveries} where live and lane = l.lane and due > (select now from clock))
	from lanes l where l.room > (select count(*) from taken t where t.lane = l.lane)`

func (p postgres) settle(ctx context.Context, x *session, ss []store.Settlement, verified bool) ([]bool, error) {
	a := make(arrays, 26)
	for i := range ss {
		s := &ss[i]
		attempt := s.Attempt
		if attempt == nil {
			attempt = &store.Attempt{}
		}
		due, wakes := micros(s.Due), s.Wakes
		if s.Due.IsZero() {
			wakes = -1 // differs from every stored count, which makes the delivery due at once
		}
		a.row(i, p.id(s.MessageID), s.Recipient, s.Place, s.Claim, !s.Status.Settled(), due, wakes, string(s.Status), string(s.Reason), micros(s.NotBefore),
			s.Attempts, s.Spent, s.Doubt, s.Duplicate, clean(attempt.ProviderID), failureText(s.Failure),
			s.Attempt != nil, micros(attempt.At), attempt.Took.Microseconds(), string(attempt.Status), clean(string(attempt.Reason)),
			clean(attempt.Provider), clean(attempt.Code), attempt.Duplicate, failureText(attempt.Failure))
	}
	return x.touched(ctx, len(ss), `with clock as materialized (select {now} as now),
		v as materialized (select * from unnest(?::int[], ?::uuid[], ?::int[], ?::int[], ?::bigint[], ?::bool[],
			?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::bigint[], ?::int[], ?::int[], ?::bool[], ?::bool[], ?::text[], ?::text[],
			?::bool[], ?::bigint[], ?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bool[], ?::text[])
			as v(nr, message, recipient, place, claim, live, due, wakes, status, reason, not_before, attempts, spent, doubt, duplicate, provider_id,
				failure, called, at, took, as_status, as_reason, provider, code, as_duplicate, as_failure)),
		s as (update {deliveries} d set live = v.live, due = case when d.wakes <> v.wakes then (select now from clock) else v.due end,
			at = case when d.status = v.status then d.at else (select now from clock) end, status = v.status, reason = v.reason, not_before = v.not_before,
			attempts = v.attempts, spent = v.spent, doubt = v.doubt, duplicate = v.duplicate,
			provider_id = coalesce(nullif(v.provider_id, ''), d.provider_id), failure = v.failure, leased = false, lapsed = 0, marked = false
			from v, `+customPlan+` where v.nr = coalesce(v.nr, v.nr) and d.message = v.message and d.recipient = v.recipient and d.place = v.place and d.claim = v.claim and d.leased
			and (?::bool or not d.canceled and d.status in ('accepted', 'held'))
			returning v.nr),
		a as (insert into {attempts} (`+attemptColumns+`)
			select message, recipient, place, claim, at, took, as_status, as_reason, provider, provider_id, code, as_duplicate, as_failure
			from v join s using (nr) where called on conflict do nothing)
		select nr from s`, append(a.args(), 1, 1, verified)...)
}

// touched runs a statement that returns the indexes of the rows that it wrote. The result marks these among n rows.
func (x *session) touched(ctx context.Context, n int, code string, args ...any) ([]bool, error) {
	touched := make([]bool, n)
	err := x.query(ctx, func(rows *sql.Rows) error {
		var nr int
		err := rows.Scan(&nr)
		touched[nr] = true
		return err
	}, code, args...)
	return touched, err
}

func (p postgres) wake(ctx context.Context, x *session, refs []store.DeliveryRef) error {
	a := make(arrays, 3)
	for _, r := range refs {
		a.row(r.MessageID, r.Recipient, r.Place)
	}
	_, err := x.exec(ctx, `update {deliveries} d set wakes = wakes + 1, due = case when d.leased then d.due else least(d.due, {now}) end
		from unnest(?::uuid[], ?::int[], ?::int[]) as v(message, recipient, place), `+customPlan+`
		where v.place = coalesce(v.place, v.place) and d.message = v.message and d.recipient = v.recipient and d.place <> v.place and d.grouped and d.status in ('accepted', 'held')`,
		append(a.args(), 1, 1)...)
	return err
}

func (p postgres) extend(ctx context.Context, x *session, es []store.Extension, lease time.Duration) ([]bool, error) {
	a := make(arrays, 6)
	for i, e := range es {
		a.row(i, p.id(e.MessageID), e.Recipient, e.Place, e.Claim, e.Marked)
	}
	return x.touched(ctx, len(es), `update {deliveries} d
		set due = case when d.leased and d.status in ('accepted', 'held') then {now} + ?::bigint else d.due end,
			marked = d.marked or v.marked and d.leased and d.status in ('accepted', 'held')
		from unnest(?::int[], ?::uuid[], ?::int[], ?::int[], ?::bigint[], ?::bool[]) as v(nr, message, recipient, place, claim, marked), `+customPlan+`
		where v.nr = coalesce(v.nr, v.nr) and d.message = v.message and d.recipient = v.recipient and d.place = v.place and d.claim = v.claim
		returning v.nr`, append(append([]any{lease.Microseconds()}, a.args()...), 1, 1)...)
}
