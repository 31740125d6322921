package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// brokenList are stores that list, count and delete wrongly.
var brokenList = table{
	"ignores the template": {rule: "list/filter", bend: func(b *bent) {
		b.queries(func(q *store.MessageQuery) { q.Template = "" })
	}},
	"looks at one field at a time": {rule: "list/one delivery", bend: func(b *bent) {
		b.queries(func(q *store.MessageQuery) {
			if q.Channel != "" || q.User != "" {
				q.Statuses, q.Reasons = nil, nil
			}
		})
	}},
	"lists all tenants for none": {rule: "list/tenant", bend: func(b *bent) {
		b.queries(func(q *store.MessageQuery) { q.AnyTenant = q.AnyTenant || q.Tenant == "" })
	}},
	"lists what was selected only": {rule: "list/whole", bend: func(b *bent) {
		b.lists(func(q store.MessageQuery, p *store.MessagePage) {
			for i := range p.Messages {
				p.Messages[i].Deliveries = slices.DeleteFunc(p.Messages[i].Deliveries, func(d store.Delivery) bool {
					return len(q.Statuses) > 0 && !slices.Contains(q.Statuses, d.Status)
				})
			}
		})
	}},
	"includes the end": {rule: "list/accepted between", bend: func(b *bent) {
		b.queries(func(q *store.MessageQuery) {
			if !q.To.IsZero() {
				q.To = q.To.Add(time.Microsecond)
			}
		})
	}},
	"lists the oldest first": {rule: "list/newest first", bend: func(b *bent) {
		b.lists(func(_ store.MessageQuery, p *store.MessagePage) { slices.Reverse(p.Messages) })
	}},
	"takes a full page for one before the last": {rule: "list/pages", bend: func(b *bent) {
		b.lists(func(q store.MessageQuery, p *store.MessagePage) {
			if n := len(p.Messages); n > 0 && n == q.Limit {
				p.Cursor = p.Messages[n-1].Message.ID
			}
		})
	}},
	"lists a hundred": {rule: "list/limit", bend: func(b *bent) {
		b.queries(func(q *store.MessageQuery) {
			if q.Limit == 0 {
				q.Limit = 100
			}
		})
	}},
	"counts what is due as later": {rule: "count and prune/count", bend: func(b *bent) {
		b.count = func(ctx context.Context, q store.CountQuery) ([]store.LaneCount, error) {
			counts, err := b.Store.CountDeliveries(ctx, q)
			for i, c := range counts {
				counts[i].Due, counts[i].Later = c.Later, c.Due
			}
			return counts, err
		}
	}},
	"counts to the end": {rule: "count and prune/count bounded", bend: func(b *bent) {
		b.count = func(ctx context.Context, _ store.CountQuery) ([]store.LaneCount, error) {
			return b.Store.CountDeliveries(ctx, store.CountQuery{})
		}
	}},
	"deletes nothing": {rule: "count and prune/prune", bend: func(b *bent) {
		b.prune = func(context.Context, time.Time, int) (int, error) { return 0, nil }
	}},
	"deletes what is live": {rule: "count and prune/prune live", bend: func(b *bent) {
		b.prune = func(ctx context.Context, before time.Time, limit int) (int, error) {
			_, _ = b.Store.ChangeDeliveries(ctx, store.Change{Action: store.Cancel, Filter: store.Filter{AnyTenant: true}})
			return b.Store.PruneMessages(ctx, before, limit)
		}
	}},
	"deletes more than it should": {rule: "count and prune/prune limit", bend: func(b *bent) {
		b.prune = func(ctx context.Context, before time.Time, limit int) (int, error) {
			return b.Store.PruneMessages(ctx, before, limit+1)
		}
	}},
	"remembers what was deleted": {rule: "count and prune/prune key", bend: func(b *bent) {
		first := map[string]*store.MessageRecord{}
		b.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
			as, err := b.Store.AcceptMessages(ctx, ms)
			for i, a := range as {
				if k := ms[i].Tenant + ms[i].Key; a.First == nil && first[k] != nil {
					as[i].First = first[k]
				} else if a.First == nil {
					first[k] = &store.MessageRecord{Message: ms[i].Message}
				}
			}
			return as, err
		}
	}},
}
