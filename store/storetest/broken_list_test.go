package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// brokenList holds stores with faults in lists, counts and deletion.
var brokenList = table{
	"ignores the template": {rule: "list/filter", bend: func(b *bent) {
		b.queries(func(q *store.MessageQuery) { q.Template = "" })
	}},
	"matches fields with different deliveries": {rule: "list/one delivery", bend: func(b *bent) {
		b.queries(func(q *store.MessageQuery) {
			if q.Channel != "" || q.User != "" {
				q.Statuses, q.Reasons = nil, nil
			}
		})
	}},
	"lists all tenants for an empty one": {rule: "list/tenant", bend: func(b *bent) {
		b.queries(func(q *store.MessageQuery) { q.AnyTenant = q.AnyTenant || q.Tenant == "" })
	}},
	"lists only the selected deliveries": {rule: "list/whole", bend: func(b *bent) {
		b.lists(func(q store.MessageQuery, p *store.MessagePage) {
			for i := range p.Messages {
				p.Messages[i].Deliveries = slices.DeleteFunc(p.Messages[i].Deliveries, func(d store.Delivery) bool {
					return len(q.Statuses) > 0 && !slices.Contains(q.Statuses, d.Status)
				})
			}
		})
	}},
	"includes the end of an interval": {rule: "list/accepted between", bend: func(b *bent) {
		b.queries(func(q *store.MessageQuery) {
			if !q.To.IsZero() {
				q.To = q.To.Add(time.Microsecond)
			}
		})
	}},
	"lists the oldest first": {rule: "list/newest first", bend: func(b *bent) {
		b.lists(func(_ store.MessageQuery, p *store.MessagePage) { slices.Reverse(p.Messages) })
	}},
	"returns a cursor for a full last page": {rule: "list/pages", bend: func(b *bent) {
		b.lists(func(q store.MessageQuery, p *store.MessagePage) {
			if n := len(p.Messages); n > 0 && n == q.Limit {
				p.Cursor = p.Messages[n-1].Message.ID
			}
		})
	}},
	"lists a hundred by default": {rule: "list/limit", bend: func(b *bent) {
		b.queries(func(q *store.MessageQuery) {
			if q.Limit == 0 {
				q.Limit = 100
			}
		})
	}},
	"swaps due and later": {rule: "count and prune/count", bend: func(b *bent) {
		b.count = func(ctx context.Context, q store.CountQuery) ([]store.LaneCount, error) {
			counts, err := b.Store.CountDeliveries(ctx, q)
			for i, c := range counts {
				counts[i].Due, counts[i].Later = c.Later, c.Due
			}
			return counts, err
		}
	}},
	"ignores the limit of a count": {rule: "count and prune/count bounded", bend: func(b *bent) {
		b.count = func(ctx context.Context, _ store.CountQuery) ([]store.LaneCount, error) {
			return b.Store.CountDeliveries(ctx, store.CountQuery{})
		}
	}},
	"deletes nothing": {rule: "count and prune/prune", bend: func(b *bent) {
		b.prune = func(context.Context, time.Time, int) (int, error) { return 0, nil }
	}},
	"deletes live messages": {rule: "count and prune/prune live", bend: func(b *bent) {
		b.prune = func(ctx context.Context, before time.Time, limit int) (int, error) {
			_, _ = b.Store.ChangeDeliveries(ctx, store.Change{Action: store.Cancel, Filter: store.Filter{AnyTenant: true}})
			return b.Store.PruneMessages(ctx, before, limit)
		}
	}},
	"deletes one more": {rule: "count and prune/prune limit", bend: func(b *bent) {
		b.prune = func(ctx context.Context, before time.Time, limit int) (int, error) {
			return b.Store.PruneMessages(ctx, before, limit+1)
		}
	}},
	"remembers deleted keys": {rule: "count and prune/prune key", bend: func(b *bent) {
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
