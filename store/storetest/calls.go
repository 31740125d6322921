package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

// accept stores new messages.
func (r *run) accept(ms ...store.NewMessage) {
	r.Helper()
	for i, a := range r.answers(ms...) {
		if a.First != nil || a.Differs {
			r.stop("message %d of a call is not accepted, although its key and id are new: %+v", i, a)
		}
	}
}

// answers stores messages, and returns the answers.
func (r *run) answers(ms ...store.NewMessage) []store.Acceptance {
	r.Helper()
	as, err := r.store.AcceptMessages(r.Context(), ms)
	r.done("AcceptMessages", err, as)
	if len(as) != len(ms) {
		r.stop("AcceptMessages returned %d answers for %d messages", len(as), len(ms))
	}
	return as
}

// ask leases all due deliveries of lanes.
func (r *run) ask(lease time.Duration, lanes ...store.Lane) store.Leases {
	r.Helper()
	var rooms []store.LaneRoom
	for _, l := range lanes {
		rooms = append(rooms, store.LaneRoom{Lane: l, Room: plenty})
	}
	return r.lease(lease, rooms...)
}

// lease leases deliveries of lanes, up to their rooms.
func (r *run) lease(lease time.Duration, rooms ...store.LaneRoom) store.Leases {
	r.Helper()
	ls, err := r.store.LeaseDeliveries(r.Context(), store.LeaseRequest{Lanes: rooms, Lease: lease})
	r.done("LeaseDeliveries", err, ls)
	if ls.Now.IsZero() {
		r.report(clock, "LeaseDeliveries returned a zero Now")
	}
	return ls
}

// one leases the only due delivery of a lane.
func (r *run) one(lease time.Duration, lane store.Lane) store.Leased {
	r.Helper()
	ds := r.ask(lease, lane).Deliveries
	if len(ds) != 1 {
		r.stop("%d deliveries of lane %s are leased, want the only due one", len(ds), lane)
	}
	return ds[0]
}

// none checks that no delivery of lanes is due.
func (r *run) none(why string, lanes ...store.Lane) {
	r.Helper()
	if ds := r.ask(long, lanes...).Deliveries; len(ds) > 0 {
		r.broken("%d deliveries are leased, want none, because %s", len(ds), why)
	}
}

// again leases the only delivery in the lane mail, as soon as it is due again.
func (r *run) again(lease time.Duration) store.Leased {
	r.Helper()
	var ds []store.Leased
	r.until("delivery is due again", func() bool {
		ds = r.ask(lease, mail).Deliveries
		return len(ds) > 0
	})
	if len(ds) != 1 {
		r.stop("%d deliveries are leased, want 1", len(ds))
	}
	return ds[0]
}

// settle writes settlements, and returns the lost ones.
func (r *run) settle(ss ...store.Settlement) []store.DeliveryRef {
	r.Helper()
	lost, err := r.store.SettleDeliveries(r.Context(), ss)
	r.done("SettleDeliveries", err, lost)
	return lost
}

// settled writes settlements, none of which must be lost.
func (r *run) settled(ss ...store.Settlement) {
	r.Helper()
	if lost := r.settle(ss...); len(lost) > 0 {
		r.broken("SettleDeliveries returns %v as lost, although its claim is current", lost[0])
	}
}

// extend extends leases, and returns the lost ones.
func (r *run) extend(lease time.Duration, es ...store.Extension) []store.DeliveryRef {
	r.Helper()
	lost, err := r.store.ExtendLeases(r.Context(), es, lease)
	r.done("ExtendLeases", err, lost)
	return lost
}

// receive records receipts, and returns the unmatched ones.
func (r *run) receive(rs ...store.Receipt) []store.Receipt {
	r.Helper()
	unmatched, err := r.store.RecordReceipts(r.Context(), rs)
	r.done("RecordReceipts", err, unmatched)
	return unmatched
}

// received records receipts, all of which must match.
func (r *run) received(rs ...store.Receipt) {
	r.Helper()
	if unmatched := r.receive(rs...); len(unmatched) > 0 {
		r.broken("RecordReceipts returns %+v as unmatched", unmatched[0])
	}
}

// change changes deliveries.
func (r *run) change(c store.Change) store.Changed {
	r.Helper()
	done, err := r.store.ChangeDeliveries(r.Context(), c)
	r.done("ChangeDeliveries", err, done)
	return done
}

// list returns a page of messages.
func (r *run) list(q store.MessageQuery) store.MessagePage {
	r.Helper()
	page, err := r.store.ListMessages(r.Context(), q)
	r.done("ListMessages", err, page)
	return page
}

// record returns the message with an id, including its attempts.
func (r *run) record(id string) store.MessageRecord {
	r.Helper()
	page := r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true, MessageID: id}, Attempts: true})
	if len(page.Messages) != 1 {
		r.stop("ListMessages returns %d messages with the id %s, want 1", len(page.Messages), id)
	}
	return page.Messages[0]
}

// stored returns the delivery that ref identifies.
func (r *run) stored(ref store.DeliveryRef) store.Delivery {
	r.Helper()
	for _, d := range r.record(ref.MessageID).Deliveries {
		if d.Recipient == ref.Recipient && d.Place == ref.Place {
			return d
		}
	}
	r.stop("ListMessages returns message %s without its delivery to recipient %d with place %d", ref.MessageID, ref.Recipient, ref.Place)
	return store.Delivery{}
}

// now returns the store's clock.
func (r *run) now() time.Time {
	r.Helper()
	return r.list(store.MessageQuery{Limit: 1}).Now
}
