package storetest

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/store"
)

var endedRules = []rule{
	{"ended context", "a call with an ended context returns an error and does nothing", endedContext},
	{"settles all or none", "a call writes all of its settlements or none, whenever its context ends", endedSettle},
}

func endedContext(r *run) {
	m := group(mail, text)
	m.Key = "k"
	r.accept(m)
	l := r.one(long, mail)
	r.accept(letter())
	before := r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Attempts: true}).Messages
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	r.fail(endedCalls(ctx, r.store, l))
	after := r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Attempts: true}).Messages
	r.same("all messages after calls with an ended context", after, before)
}

// endedCalls calls every method with ctx, and returns the errors by method.
func endedCalls(ctx context.Context, s store.Deliveries, l store.Leased) map[string]error {
	errs := map[string]error{}
	fact := called(l, "p-1")
	fact.Wake = true
	all := store.Filter{AnyTenant: true}
	_, errs["AcceptMessages"] = s.AcceptMessages(ctx, []store.NewMessage{letter()})
	_, errs["LeaseDeliveries"] = s.LeaseDeliveries(ctx, store.LeaseRequest{Lanes: []store.LaneRoom{{Lane: mail, Room: 1}}, Lease: long})
	_, errs["SettleDeliveries"] = s.SettleDeliveries(ctx, []store.Settlement{fact})
	_, errs["ExtendLeases"] = s.ExtendLeases(ctx, []store.Extension{{DeliveryRef: l.DeliveryRef, Marked: true}}, 2*long)
	_, errs["RecordReceipts"] = s.RecordReceipts(ctx, []store.Receipt{{DeliveryRef: l.DeliveryRef, Status: store.Read}})
	_, errs["ChangeDeliveries"] = s.ChangeDeliveries(ctx, store.Change{Action: store.Cancel, Filter: all})
	_, errs["ListMessages"] = s.ListMessages(ctx, store.MessageQuery{Filter: all})
	_, errs["CountDeliveries"] = s.CountDeliveries(ctx, store.CountQuery{})
	_, errs["PruneMessages"] = s.PruneMessages(ctx, instant(2090, 1), 10)
	return errs
}

func endedSettle(r *run) {
	for i := range 10 {
		m := message()
		for n := range 60 {
			m.Deliveries = append(m.Deliveries, to(n, 0, mail))
		}
		r.accept(m)
		var ss []store.Settlement
		for _, l := range r.ask(long, mail).Deliveries {
			ss = append(ss, called(l, l.MessageID))
		}
		ctx, cancel := context.WithTimeout(r.Context(), time.Duration(i*i)*150*time.Microsecond)
		_, err := r.store.SettleDeliveries(ctx, ss)
		cancel()
		written := 0
		for _, d := range r.record(m.ID).Deliveries {
			if d.Status == store.Sent && len(d.Attempted) == 1 {
				written++
			} else if d.Status != store.Accepted || len(d.Attempted) > 0 {
				r.broken("a delivery is %s and has %d attempts after a call whose context ended", d.Status, len(d.Attempted))
			}
		}
		if written != 0 && written != len(ss) || err == nil && written == 0 {
			r.broken("a call whose context ended wrote %d of %d settlements, want all or none (error: %v)", written, len(ss), err)
		}
		r.settled(ss...)
	}
}

// fail checks that all calls returned errors.
func (r *run) fail(errs map[string]error) {
	r.Helper()
	for name, err := range errs {
		if err == nil {
			r.broken("%s returned no error", name)
		}
	}
}
