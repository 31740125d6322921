package storetest_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// A bent store breaks rules: its functions replace the methods of the store.
type bent struct {
	*memory.Store
	mu       sync.Mutex
	accept   func(context.Context, []store.NewMessage) ([]store.Acceptance, error)
	lease    func(context.Context, store.LeaseRequest) (store.Leases, error)
	settle   func(context.Context, []store.Settlement) ([]store.DeliveryRef, error)
	extend   func(context.Context, []store.Extension, time.Duration) ([]store.DeliveryRef, error)
	receipts func(context.Context, []store.Receipt) ([]store.Receipt, error)
	change   func(context.Context, store.Change) (store.Changed, error)
	list     func(context.Context, store.MessageQuery) (store.MessagePage, error)
	count    func(context.Context, store.CountQuery) ([]store.LaneCount, error)
	prune    func(context.Context, time.Time, int) (int, error)
}

// straight returns a bent store that keeps all rules.
func straight() *bent {
	s := memory.New()
	return &bent{Store: s, accept: s.AcceptMessages, lease: s.LeaseDeliveries, settle: s.SettleDeliveries, extend: s.ExtendLeases,
		receipts: s.RecordReceipts, change: s.ChangeDeliveries, list: s.ListMessages, count: s.CountDeliveries, prune: s.PruneMessages}
}

func (b *bent) AcceptMessages(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
	return b.accept(ctx, ms)
}
func (b *bent) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	return b.lease(ctx, r)
}
func (b *bent) SettleDeliveries(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
	return b.settle(ctx, ss)
}
func (b *bent) ExtendLeases(ctx context.Context, es []store.Extension, lease time.Duration) ([]store.DeliveryRef, error) {
	return b.extend(ctx, es, lease)
}
func (b *bent) RecordReceipts(ctx context.Context, rs []store.Receipt) ([]store.Receipt, error) {
	return b.receipts(ctx, rs)
}
func (b *bent) ChangeDeliveries(ctx context.Context, c store.Change) (store.Changed, error) {
	return b.change(ctx, c)
}
func (b *bent) ListMessages(ctx context.Context, q store.MessageQuery) (store.MessagePage, error) {
	return b.list(ctx, q)
}
func (b *bent) CountDeliveries(ctx context.Context, q store.CountQuery) ([]store.LaneCount, error) {
	return b.count(ctx, q)
}
func (b *bent) PruneMessages(ctx context.Context, before time.Time, limit int) (int, error) {
	return b.prune(ctx, before, limit)
}

// accepts bends each message before it is stored.
func (b *bent) accepts(bend func(*store.NewMessage)) {
	b.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
		ms = slices.Clone(ms)
		for i := range ms {
			ms[i].Deliveries = slices.Clone(ms[i].Deliveries)
			bend(&ms[i])
		}
		return b.Store.AcceptMessages(ctx, ms)
	}
}

// plans bends each delivery before it is stored.
func (b *bent) plans(bend func(*store.NewDelivery)) {
	b.accepts(func(m *store.NewMessage) {
		for i := range m.Deliveries {
			bend(&m.Deliveries[i])
		}
	})
}

// answers bends the answers of AcceptMessages.
func (b *bent) answers(bend func([]store.Acceptance)) {
	b.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
		as, err := b.Store.AcceptMessages(ctx, ms)
		bend(as)
		return as, err
	}
}

// asks bends each request before deliveries are leased.
func (b *bent) asks(bend func(*store.LeaseRequest)) {
	b.lease = func(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
		r.Lanes = slices.Clone(r.Lanes)
		bend(&r)
		return b.Store.LeaseDeliveries(ctx, r)
	}
}

// gives bends the leases of each answer.
func (b *bent) gives(bend func(*store.Leases)) {
	b.lease = func(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
		ls, err := b.Store.LeaseDeliveries(ctx, r)
		b.mu.Lock()
		defer b.mu.Unlock()
		bend(&ls)
		return ls, err
	}
}

// givesEach bends each leased delivery.
func (b *bent) givesEach(bend func(*store.Leased)) {
	b.gives(func(ls *store.Leases) {
		for i := range ls.Deliveries {
			bend(&ls.Deliveries[i])
		}
	})
}

// settles bends each settlement before it is written, and drops it if bend returns true.
func (b *bent) settles(bend func(*store.Settlement) (drop bool)) {
	b.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		var kept []store.Settlement
		for _, s := range ss {
			if !bend(&s) {
				kept = append(kept, s)
			}
		}
		return b.Store.SettleDeliveries(ctx, kept)
	}
}

// overtaken bends the Overtaken of each settlement.
func (b *bent) overtaken(bend func(*store.Standing) *store.Standing) {
	b.settle = func(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
		lost, err := b.Store.SettleDeliveries(ctx, ss)
		for i := range ss {
			ss[i].Overtaken = bend(ss[i].Overtaken)
		}
		return lost, err
	}
}

// receives bends each receipt before it is recorded.
func (b *bent) receives(bend func(*store.Receipt)) {
	b.receipts = func(ctx context.Context, rs []store.Receipt) ([]store.Receipt, error) {
		for i := range rs {
			bend(&rs[i])
		}
		return b.Store.RecordReceipts(ctx, rs)
	}
}

// changes bends a change before it is made.
func (b *bent) changes(bend func(*store.Change)) {
	b.change = func(ctx context.Context, c store.Change) (store.Changed, error) {
		bend(&c)
		return b.Store.ChangeDeliveries(ctx, c)
	}
}

// queries bends a query before it is answered.
func (b *bent) queries(bend func(*store.MessageQuery)) {
	b.list = func(ctx context.Context, q store.MessageQuery) (store.MessagePage, error) {
		bend(&q)
		return b.Store.ListMessages(ctx, q)
	}
}

// lists bends each page.
func (b *bent) lists(bend func(store.MessageQuery, *store.MessagePage)) {
	b.list = func(ctx context.Context, q store.MessageQuery) (store.MessagePage, error) {
		page, err := b.Store.ListMessages(ctx, q)
		b.mu.Lock()
		defer b.mu.Unlock()
		bend(q, &page)
		return page, err
	}
}

// listsEach bends each listed delivery.
func (b *bent) listsEach(bend func(*store.Delivery)) {
	b.lists(func(_ store.MessageQuery, page *store.MessagePage) {
		for _, m := range page.Messages {
			for i := range m.Deliveries {
				bend(&m.Deliveries[i])
			}
		}
	})
}

// stored returns the delivery that ref identifies, or the zero one.
func (b *bent) stored(ref store.DeliveryRef) store.Delivery {
	page, _ := b.Store.ListMessages(context.Background(), store.MessageQuery{Filter: store.Filter{AnyTenant: true, MessageID: ref.MessageID},
		Attempts: true})
	for _, m := range page.Messages {
		for _, d := range m.Deliveries {
			if d.Recipient == ref.Recipient && d.Place == ref.Place {
				return d
			}
		}
	}
	return store.Delivery{}
}

// name returns ref without the Claim.
func name(ref store.DeliveryRef) store.DeliveryRef {
	ref.Claim = 0
	return ref
}
