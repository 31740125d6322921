package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// brokenSettle holds stores with faults in settlements, receipts and changes.
var brokenSettle = table{
	"forgets failures": {rule: "settle/writes", bend: func(b *bent) {
		b.settles(func(s *store.Settlement) bool { s.Failure = nil; return false })
	}},
	"retries unknown deliveries": {rule: "settle/final", bend: func(b *bent) {
		b.settles(func(s *store.Settlement) bool {
			if s.Status == store.Unknown {
				s.Status = store.Accepted
			}
			return false
		})
	}},
	"does not check the claim": {rule: "settle/fence", bend: func(b *bent) {
		b.settles(func(s *store.Settlement) bool { s.Claim = b.stored(s.DeliveryRef).Claim; return false })
	}},
	"returns repetitions as lost": {rule: "settle/repeated", bend: func(b *bent) {
		seen := map[store.DeliveryRef]bool{}
		b.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
			lost, err := b.Store.SettleDeliveries(ctx, ss)
			for _, s := range ss {
				if seen[s.DeliveryRef] {
					lost = append(lost, s.DeliveryRef)
				}
				seen[s.DeliveryRef] = true
			}
			return lost, err
		}
	}},
	"refuses late settlements": {rule: "settle/late", bend: func(b *bent) {
		b.settles(func(s *store.Settlement) bool { return b.stored(s.DeliveryRef).Due.Before(time.Now()) })
	}},
	"lists the newest attempt first": {rule: "settle/attempts", bend: func(b *bent) {
		b.listsEach(func(d *store.Delivery) { slices.Reverse(d.Attempted) })
	}},
	"settles at most a hundred": {rule: "settle/batch", bend: func(b *bent) {
		b.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
			return b.Store.SettleDeliveries(ctx, ss[:min(len(ss), 100)])
		}
	}},
	"sets At when a delivery is read": {rule: "settle/at", bend: func(b *bent) {
		b.listsEach(func(d *store.Delivery) { d.At = time.Now().Truncate(time.Microsecond).UTC() })
	}},
	"settles deliveries one after another": {rule: "context/settles all or none", bend: func(b *bent) {
		b.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
			for _, s := range ss {
				if _, err := b.Store.SettleDeliveries(ctx, []store.Settlement{s}); err != nil {
					return nil, err
				}
				time.Sleep(100 * time.Microsecond)
			}
			return nil, nil
		}
	}},
	"does not log an overtaken attempt": {rule: "overtaken/receipt", bend: func(b *bent) {
		b.settles(func(s *store.Settlement) bool { return b.stored(s.DeliveryRef).Status.Settled() })
	}},
	"never sets Overtaken": {rule: "overtaken/receipt", bend: func(b *bent) { b.overtaken(func(*store.Standing) *store.Standing { return nil }) }},
	"does not set Overtaken after a cancellation": {rule: "overtaken/canceled", bend: func(b *bent) {
		b.overtaken(func(overtaken *store.Standing) *store.Standing {
			if overtaken != nil && overtaken.Status == store.Canceled {
				return nil
			}
			return overtaken
		})
	}},
	"forgets cancellations": {rule: "overtaken/canceled", bend: func(b *bent) {
		b.change = func(context.Context, store.Change) (store.Changed, error) { return store.Changed{Leased: 1}, nil }
	}},
	"cancels without a wake": {rule: "overtaken/canceled wakes", bend: func(b *bent) {
		b.settles(func(s *store.Settlement) bool {
			if b.stored(s.DeliveryRef).Canceled && !s.Status.Settled() {
				s.Status = store.Canceled
			}
			return false
		})
	}},
	"accepts a repetition after the end": {rule: "overtaken/reported once", bend: func(b *bent) {
		b.settles(func(s *store.Settlement) bool {
			if d := b.stored(s.DeliveryRef); d.Status.Settled() {
				s.Claim = d.Claim
			}
			return false
		})
	}},
	"hides cancellations": {rule: "overtaken/canceled flag", bend: func(b *bent) {
		b.givesEach(func(l *store.Leased) { l.Canceled = false })
	}},
	"checks the claim of a receipt": {rule: "receipt/by delivery", bend: func(b *bent) {
		b.receives(func(r *store.Receipt) {
			if r.Claim != 0 {
				r.MessageID = "unknown"
			}
		})
	}},
	"ignores the provider": {rule: "receipt/by provider", bend: func(b *bent) {
		b.receives(func(r *store.Receipt) { r.Provider = "postman" })
	}},
	"treats every failure as a bounce": {rule: "receipt/raises", bend: func(b *bent) {
		b.receives(func(r *store.Receipt) {
			if r.Status == store.Failed {
				r.Reason = store.ReasonBounced
			}
		})
	}},
	"applies the last receipt first": {rule: "receipt/in order", bend: func(b *bent) {
		b.receipts = func(ctx context.Context, rs []store.Receipt) ([]store.Receipt, error) {
			slices.Reverse(rs)
			return b.Store.RecordReceipts(ctx, rs)
		}
	}},
	"returns no unmatched receipts": {rule: "receipt/unmatched", bend: func(b *bent) {
		b.receipts = func(ctx context.Context, rs []store.Receipt) ([]store.Receipt, error) {
			_, err := b.Store.RecordReceipts(ctx, rs)
			return nil, err
		}
	}},
	"does not set Found": {rule: "receipt/found", bend: func(b *bent) {
		b.receipts = func(ctx context.Context, rs []store.Receipt) ([]store.Receipt, error) {
			return b.Store.RecordReceipts(ctx, slices.Clone(rs))
		}
	}},
	"always sets Raised": {rule: "receipt/raised", bend: func(b *bent) {
		b.receipts = func(ctx context.Context, rs []store.Receipt) ([]store.Receipt, error) {
			unmatched, err := b.Store.RecordReceipts(ctx, rs)
			for i := range rs {
				rs[i].Raised = true
			}
			return unmatched, err
		}
	}},
	"does not settle by a receipt": {rule: "receipt/settles", bend: func(b *bent) {
		b.receives(func(r *store.Receipt) { r.Status = store.Accepted })
	}},
	"records receipts without a wake": {rule: "receipt/wakes", bend: ungrouped},
	"changes without a wake":          {rule: "change/wakes", bend: ungrouped},
	"releases instead of canceling":   {rule: "change/cancel", bend: swap(store.Cancel, store.Release)},
	"replays instead of releasing":    {rule: "change/release", bend: swap(store.Release, store.Replay)},
	"cancels instead of replaying":    {rule: "change/replay", bend: swap(store.Replay, store.Cancel)},
	"changes every tenant":            {rule: "change/filter", bend: func(b *bent) { b.changes(func(c *store.Change) { c.Filter.AnyTenant = true }) }},
	"ignores the limit":               {rule: "change/limit", bend: func(b *bent) { b.changes(func(c *store.Change) { c.Limit = 0 }) }},
	"does not count leased deliveries": {rule: "change/leased", bend: func(b *bent) {
		b.change = func(ctx context.Context, c store.Change) (store.Changed, error) {
			done, err := b.Store.ChangeDeliveries(ctx, c)
			done.Leased = 0
			return done, err
		}
	}},
	"repeats the first result": {rule: "change/repeated", bend: func(b *bent) {
		first := map[store.Action]store.Changed{}
		b.change = func(ctx context.Context, c store.Change) (store.Changed, error) {
			done, err := b.Store.ChangeDeliveries(ctx, c)
			if was, ok := first[c.Action]; ok {
				done = was
			}
			first[c.Action] = done
			return done, err
		}
	}},
	"releases instead of replaying, in the model": {rule: "model", bend: swap(store.Replay, store.Release)},
}

func ungrouped(b *bent) { b.plans(func(d *store.NewDelivery) { d.Grouped = false }) }

func swap(from, to store.Action) func(*bent) {
	return func(b *bent) {
		b.changes(func(c *store.Change) {
			if c.Action == from {
				c.Action = to
			}
		})
	}
}
