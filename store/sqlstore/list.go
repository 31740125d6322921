package sqlstore

import (
	"context"
	"database/sql"
	"strings"

	"github.com/e7ddda3c/notify/store"
)

// ListMessages implements [store.Deliveries].
func (s *Store) ListMessages(ctx context.Context, q store.MessageQuery) (store.MessagePage, error) {
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 500)
	var page store.MessagePage
	err := s.inSnapshot(ctx, func(ctx context.Context, x *session) error {
		page = store.MessagePage{}
		ids, err := x.page(ctx, q, limit+1)
		if err != nil {
			return err
		}
		if len(ids) > limit {
			ids = ids[:limit]
			page.Cursor = ids[limit-1]
		}
		if page.Now, err = x.now(ctx); err != nil {
			return err
		}
		page.Messages, err = x.records(ctx, ids, q.Attempts, "")
		return err
	})
	return page, err
}

// page returns the ids of the messages that match q, the newest first.
func (x *session) page(ctx context.Context, q store.MessageQuery, limit int) (ids []string, err error) {
	w := x.filter(q.Filter)
	if q.Cursor != "" {
		w.and("m.id < ?", x.dialect.id(q.Cursor))
	}
	args := append(w.message.args, w.delivery.args...)
	err = x.query(ctx, func(rows *sql.Rows) error {
		var id uuid
		err := rows.Scan(&id)
		ids = append(ids, string(id))
		return err
	}, "select m.id from {messages} m where "+w.message.String()+" and exists (select 1 from {deliveries} d where d.message = m.id and "+
		w.delivery.String()+") order by m.id desc limit ?", append(args, limit)...)
	return ids, err
}

// records reads messages with their deliveries, in the order of ids. Ids without a message are left out. The queries end with end, such
// as a lock.
func (x *session) records(ctx context.Context, ids []string, attempts bool, end string) ([]store.MessageRecord, error) {
	found := make(map[string]*store.MessageRecord, len(ids))
	err := x.messages(ctx, ids, end, func(m *store.Message) { found[m.ID] = &store.MessageRecord{Message: *m} })
	if err != nil {
		return nil, err
	}
	err = x.byIDs(ids, func(in string, args []any) error {
		return x.query(ctx, func(rows *sql.Rows) error {
			r, err := scanRow(rows)
			if err != nil {
				return err
			}
			if record := found[r.MessageID]; record != nil {
				r.Message = &record.Message
				record.Deliveries = append(record.Deliveries, r.Delivery)
			}
			return nil
		}, "select "+deliveryColumns+" from {deliveries} d where message in ("+in+") order by message, recipient, place"+end, args...)
	})
	if err == nil && attempts {
		err = x.attempts(ctx, ids, found)
	}
	if err != nil {
		return nil, err
	}
	var records []store.MessageRecord
	for _, id := range ids {
		if record := found[id]; record != nil {
			records = append(records, *record)
		}
	}
	return records, nil
}

// attempts adds the attempts to the deliveries in found.
func (x *session) attempts(ctx context.Context, ids []string, found map[string]*store.MessageRecord) error {
	deliveries := make(map[store.DeliveryRef]*store.Delivery)
	for _, record := range found {
		for i := range record.Deliveries {
			deliveries[withoutClaim(record.Deliveries[i].DeliveryRef)] = &record.Deliveries[i]
		}
	}
	return x.byIDs(ids, func(in string, args []any) error {
		return x.query(ctx, func(rows *sql.Rows) error {
			ref, a, err := scanAttempt(rows)
			if d := deliveries[withoutClaim(ref)]; d != nil {
				d.Attempted = append(d.Attempted, a)
			}
			return err
		}, "select "+attemptColumns+" from {attempts} where message in ("+in+") order by message, recipient, place, claim", args...)
	})
}

// conditions are joined by AND.
type conditions struct {
	texts []string
	args  []any
}

func (c *conditions) and(text string, args ...any) {
	c.texts = append(c.texts, text)
	c.args = append(c.args, args...)
}

func (c *conditions) String() string {
	if len(c.texts) == 0 {
		return "1 = 1"
	}
	return strings.Join(c.texts, " and ")
}

// A where is a filter in SQL: the conditions on messages m and on deliveries d.
type where struct{ message, delivery conditions }

func (w *where) and(text string, args ...any) { w.message.and(text, args...) }

func (x *session) filter(f store.Filter) where {
	var w where
	if !f.AnyTenant {
		w.and("m.tenant = ?", f.Tenant)
	}
	if f.MessageID != "" {
		w.and("m.id = ?", x.dialect.id(f.MessageID))
	}
	for _, e := range []struct{ column, want string }{{"idem", f.Key}, {"class", f.Class}, {"category", f.Category}, {"template", f.Template}} {
		if e.want != "" {
			w.and("m."+e.column+" = ?", e.want)
		}
	}
	if !f.From.IsZero() {
		w.and("m.accepted_at >= ?", micros(f.From))
	}
	if !f.To.IsZero() {
		w.and("m.accepted_at < ?", micros(f.To))
	}
	if f.User != "" {
		w.delivery.and("d.user_id = ?", f.User)
	}
	if f.Channel != "" { // the lanes that begin with "<channel>/"; "0" is the character after "/"
		w.delivery.and("d.lane >= ? and d.lane < ?", f.Channel+"/", f.Channel+"0")
	}
	oneOf(&w.delivery, "d.status", f.Statuses)
	oneOf(&w.delivery, "d.reason", f.Reasons)
	return w
}

func oneOf[T ~string](c *conditions, column string, wanted []T) {
	if len(wanted) == 0 {
		return
	}
	args := make([]any, len(wanted))
	for i, w := range wanted {
		args[i] = string(w)
	}
	c.and(column+" in ("+placeholders(len(args), "?")+")", args...)
}
