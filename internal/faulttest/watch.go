package faulttest

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// The calls of a store that [Watch] reports. The name of a point is one of these verbs followed by " before" or " after".
const (
	Accept  = "accept"
	Lease   = "lease"
	Settle  = "settle"
	Extend  = "extend"
	Receive = "receive"
	Change  = "change"
)

// Watch returns d with at called before and after each call that writes, with the name of the point. At "settle before" a
// settlement has not begun; at "settle after" the settlement is durable, but has not been returned.
func Watch(d store.Deliveries, at func(point string)) store.Deliveries { return &watched{d, at} }

type watched struct {
	store.Deliveries
	at func(point string)
}

func (w *watched) around(verb string) func() {
	w.at(verb + " before")
	return func() { w.at(verb + " after") }
}

func (w *watched) AcceptMessages(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
	defer w.around(Accept)()
	return w.Deliveries.AcceptMessages(ctx, ms)
}

func (w *watched) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	defer w.around(Lease)()
	return w.Deliveries.LeaseDeliveries(ctx, r)
}

func (w *watched) SettleDeliveries(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
	defer w.around(Settle)()
	return w.Deliveries.SettleDeliveries(ctx, ss)
}

func (w *watched) ExtendLeases(ctx context.Context, es []store.Extension, lease time.Duration) ([]store.DeliveryRef, error) {
	defer w.around(Extend)()
	return w.Deliveries.ExtendLeases(ctx, es, lease)
}

func (w *watched) RecordReceipts(ctx context.Context, rs []store.Receipt) ([]store.Receipt, error) {
	defer w.around(Receive)()
	return w.Deliveries.RecordReceipts(ctx, rs)
}

func (w *watched) ChangeDeliveries(ctx context.Context, c store.Change) (store.Changed, error) {
	defer w.around(Change)()
	return w.Deliveries.ChangeDeliveries(ctx, c)
}
