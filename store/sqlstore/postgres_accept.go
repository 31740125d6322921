package sqlstore

import (
	"context"
	"database/sql"
	"strings"

	"github.com/e7ddda3c/notify/store"
)

// deliveryTypes and deliveryNames describe the values of deliveryArgs, messageTypes those of messageArgs, in their order.
const (
	deliveryTypes = "uuid, int, int, text, bool, bigint, text, text, bigint, text, text, text, bool, bytea, text, bytea"
	deliveryNames = "message, recipient, place, lane, live, due, status, reason, not_before, user_id, address, locale, grouped, suppression, failure, body"
	messageTypes  = "uuid, text, text, text, text, text, text, bool, bigint, bytea, bytea"
)

// maxValueRows is the maximum number of deliveries in a VALUES list, which serves a single message. More deliveries go in arrays, because
// each length of a VALUES list is a different statement.
const maxValueRows = 8

// insert takes one statement. A message whose id or key is taken returns no row, so that the join leaves out the deliveries, too.
func (p postgres) insert(ctx context.Context, x *session, ms []store.NewMessage) ([]bool, error) {
	index := make(map[string]int, len(ms))
	for i := range ms {
		index[ms[i].ID] = i
	}
	messages, args := p.messages(x, ms)
	deliveries, more := p.deliveries(x, ms)
	stored := make([]bool, len(ms))
	err := x.query(ctx, func(rows *sql.Rows) error {
		var id uuid
		var at int64
		err := rows.Scan(&id, &at)
		i := index[string(id)]
		stored[i] = true
		x.inserted = append(x.inserted, messageOf(&ms[i], at))
		return err
	}, `with m as (insert into {messages} (`+insertedMessage+`) `+messages+` on conflict do nothing returning id, accepted_at),
		d as (insert into {deliveries} (`+insertedDelivery+`)
			select m.id, d.recipient, d.place, d.lane, d.live, greatest(d.due, m.accepted_at), d.status, d.reason, m.accepted_at, d.not_before,
				d.user_id, d.address, d.locale, d.grouped, d.suppression, d.failure, d.body
			from m join `+deliveries+` as d(`+deliveryNames+`) on d.message = m.id)
		select id, accepted_at from m`, append(args, more...)...)
	return stored, err
}

// statementTime is the time at which the statement began, the same for all rows of the statement.
const statementTime = "(extract(epoch from statement_timestamp()) * 1000000)::bigint"

func (p postgres) messages(x *session, ms []store.NewMessage) (string, []any) {
	if len(ms) == 1 {
		return "values " + strings.Replace(messageValues, "{now}", statementTime, 1), x.messageArgs(nil, &ms[0])
	}
	a := make(arrays, messageArgs)
	for i := range ms {
		a.row(x.messageArgs(nil, &ms[i])...)
	}
	return "select id, tenant, idem, dispatcher, category, class, template, at_most_once, expire_at, " + statementTime + ", body, hash from unnest(" +
		typedPlaceholders(messageTypes, "[]") + ") as m(id, tenant, idem, dispatcher, category, class, template, at_most_once, expire_at, body, hash)", a.args()
}

func (p postgres) deliveries(x *session, ms []store.NewMessage) (string, []any) {
	if len(ms) == 1 && len(ms[0].Deliveries) > 0 && len(ms[0].Deliveries) <= maxValueRows {
		ds := ms[0].Deliveries
		var args []any
		for i := range ds {
			args = x.deliveryArgs(args, ms[0].ID, &ds[i])
		}
		return "(values " + placeholders(len(ds), "("+typedPlaceholders(deliveryTypes, "")+")") + ")", args
	}
	a := make(arrays, deliveryArgs)
	for i := range ms {
		for j := range ms[i].Deliveries {
			a.row(x.deliveryArgs(nil, ms[i].ID, &ms[i].Deliveries[j])...)
		}
	}
	return "unnest(" + typedPlaceholders(deliveryTypes, "[]") + ")", a.args()
}

// typedPlaceholders returns a placeholder with a cast for each of types. The suffix "[]" makes them arrays.
func typedPlaceholders(types, suffix string) string {
	return "?::" + strings.Join(strings.Split(types, ", "), suffix+", ?::") + suffix
}
