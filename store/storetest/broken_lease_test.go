package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// brokenLease holds stores with faults in leases, groups and extensions.
var brokenLease = table{
	"does not increase the claim": {rule: "lease/claim", bend: func(b *bent) {
		b.givesEach(func(l *store.Leased) { l.Claim = 0 })
	}},
	"forgets its leases": {rule: "lease/once", bend: func(b *bent) {
		b.asks(func(r *store.LeaseRequest) { r.Lease = 0 })
	}},
	"exceeds the room": {rule: "lease/room", bend: func(b *bent) {
		b.asks(func(r *store.LeaseRequest) { r.Lanes[0].Room++ })
	}},
	"leases the newest first": {rule: "lease/order", bend: func(b *bent) {
		b.gives(func(ls *store.Leases) { slices.Reverse(ls.Deliveries) })
	}},
	"always leases mail": {rule: "lease/lanes", bend: func(b *bent) {
		b.asks(func(r *store.LeaseRequest) { r.Lanes = append(r.Lanes, store.LaneRoom{Lane: "email/otp", Room: 10}) })
	}},
	"returns no NextDue": {rule: "lease/next due", bend: func(b *bent) {
		b.gives(func(ls *store.Leases) { clear(ls.NextDue) })
	}},
	"does not count lapsed leases": {rule: "lease/runs out", bend: func(b *bent) {
		b.givesEach(func(l *store.Leased) { l.Lapsed = 0 })
	}},
	"forgets marks": {rule: "lease/marked", bend: func(b *bent) {
		b.givesEach(func(l *store.Leased) { l.Marked = false })
	}},
	"returns a Message for each delivery": {rule: "lease/message", bend: func(b *bent) {
		b.givesEach(func(l *store.Leased) { head := *l.Message; l.Message = &head })
	}},
	"returns its own bytes": {rule: "lease/copies", bend: func(b *bent) {
		own := map[store.DeliveryRef][]byte{}
		b.givesEach(func(l *store.Leased) {
			if own[name(l.DeliveryRef)] == nil {
				own[name(l.DeliveryRef)] = l.Body
			}
			l.Body = own[name(l.DeliveryRef)]
		})
	}},
	"leaves the delivery out of its group": {rule: "group/progress", bend: func(b *bent) {
		b.givesEach(func(l *store.Leased) {
			l.Group = slices.DeleteFunc(l.Group, func(p store.Progress) bool { return p.Place == l.Place })
		})
	}},
	"loses wakes": {rule: "group/wake race", bend: func(b *bent) {
		b.settles(func(s *store.Settlement) bool { s.Wakes = b.stored(s.DeliveryRef).Wakes; return false })
	}},
	"never wakes":            {rule: "group/wake", bend: neverWakes},
	"wakes the peers always": {rule: "group/no wake", bend: func(b *bent) { b.settles(func(s *store.Settlement) bool { s.Wake = true; return false }) }},
	"ignores wakes within a call": {rule: "group/wake in one call", bend: func(b *bent) {
		b.settle = func(ctx context.Context, ss []store.Settlement) (lost []store.DeliveryRef, _ error) {
			for _, s := range ss {
				s.Wakes = b.stored(s.DeliveryRef).Wakes
				more, err := b.Store.SettleDeliveries(ctx, []store.Settlement{s})
				if err != nil {
					return nil, err
				}
				lost = append(lost, more...)
			}
			return lost, nil
		}
	}},
	"does not extend": {rule: "extend/end", bend: func(b *bent) {
		b.extend = func(context.Context, []store.Extension, time.Duration) ([]store.DeliveryRef, error) { return nil, nil }
	}},
	"returns no lost extensions": {rule: "extend/lost", bend: func(b *bent) {
		b.extend = func(ctx context.Context, es []store.Extension, lease time.Duration) ([]store.DeliveryRef, error) {
			_, err := b.Store.ExtendLeases(ctx, es, lease)
			return nil, err
		}
	}},
	"extends settled leases": {rule: "extend/settled", bend: func(b *bent) {
		due := map[store.DeliveryRef]time.Time{}
		b.extend = func(ctx context.Context, es []store.Extension, lease time.Duration) ([]store.DeliveryRef, error) {
			for _, e := range es {
				due[name(e.DeliveryRef)] = time.Now().Add(lease).Truncate(time.Microsecond).UTC()
			}
			return b.Store.ExtendLeases(ctx, es, lease)
		}
		b.listsEach(func(d *store.Delivery) {
			if at, ok := due[name(d.DeliveryRef)]; ok {
				d.Due = at
			}
		})
	}},
	"leases a delivery twice": {rule: "concurrent/each once", bend: func(b *bent) {
		var last []store.Leased
		b.gives(func(ls *store.Leases) {
			fresh := ls.Deliveries
			if len(fresh) > 0 {
				ls.Deliveries = slices.Concat(fresh, last)
				last = fresh[:1]
			}
		})
	}},
	"loses a wake now and then": {rule: "concurrent/wake storm", bend: func(b *bent) {
		n := 0
		b.settles(func(s *store.Settlement) bool { n++; s.Wake = s.Wake && n%7 > 0; return false })
	}},
	"logs attempts twice": {rule: "concurrent/fences", bend: func(b *bent) {
		b.listsEach(func(d *store.Delivery) { d.Attempted = slices.Concat(d.Attempted, d.Attempted) })
	}},
	"ignores the context": {rule: "context/ended context", bend: func(b *bent) {
		b.extend = func(ctx context.Context, es []store.Extension, lease time.Duration) ([]store.DeliveryRef, error) {
			return b.Store.ExtendLeases(context.WithoutCancel(ctx), es, lease)
		}
	}},
	"loses wakes, in the model": {rule: "model", bend: func(b *bent) {
		b.settles(func(s *store.Settlement) bool { s.Wakes = b.stored(s.DeliveryRef).Wakes; return false })
	}},
	"never wakes, in the model": {rule: "model", bend: neverWakes},
}

func neverWakes(b *bent) {
	b.settles(func(s *store.Settlement) bool { s.Wake = false; return false })
}
