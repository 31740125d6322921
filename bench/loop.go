package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/store"
)

const (
	// batch is the number of deliveries that a loop claims and settles at a time, the number that the engine has in flight by
	// default.
	batch = 100
	// leaseFor is the engine's default lease.
	leaseFor = 15 * time.Second
)

// loop fills the store and times loops that claim and settle with the store's methods until nothing is due. The time is the cost of
// the engine's statements without the engine.
func (h *house) loop(ctx context.Context, messages int) (time.Duration, error) {
	return h.loops(ctx, messages, func() (int, error) {
		leases, err := h.store.LeaseDeliveries(ctx, store.LeaseRequest{
			Lanes: []store.LaneRoom{{Lane: store.LaneOf("email", "transactional"), Room: batch}}, Lease: leaseFor,
		})
		if err != nil || len(leases.Deliveries) == 0 {
			return 0, err
		}
		_, err = h.store.SettleDeliveries(ctx, sent(leases))
		return len(leases.Deliveries), err
	})
}

// sent returns settlements that mark all leased deliveries as sent.
func sent(leases store.Leases) []store.Settlement {
	out := make([]store.Settlement, len(leases.Deliveries))
	for i, d := range leases.Deliveries {
		out[i] = store.Settlement{
			DeliveryRef: d.DeliveryRef, Status: store.Sent, Wakes: d.Wakes, Attempts: 1, Spent: 1,
			Attempt: &store.Attempt{At: leases.Now, Status: store.Sent},
		}
	}
	return out
}

// loops fills the store and returns the time until all messages are settled by step. Several goroutines, as many as the dialect's
// loops, repeat step until it finds nothing.
func (h *house) loops(ctx context.Context, messages int, step func() (int, error)) (time.Duration, error) {
	if err := h.fill(ctx, messages, letter("email")); err != nil {
		return 0, err
	}
	var done atomic.Int64
	begin := time.Now()
	err := each(h.dialect.loops, h.dialect.loops, func(int) error {
		for {
			n, err := step()
			if err != nil || n == 0 {
				return err
			}
			done.Add(int64(n))
		}
	})
	took := time.Since(begin)
	if err == nil {
		err = expect(int(done.Load()), messages)
	}
	return took, err
}
