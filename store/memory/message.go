package memory

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// A message is a stored message with its deliveries.
type message struct {
	head       *store.Message // immutable, and therefore returned without a copy
	hash       [32]byte       // of the Request
	deliveries []*delivery    // sorted by recipient, then by place
}

// A delivery is a stored delivery. Its attempts are in log, not in Attempted.
type delivery struct {
	store.Delivery
	parent      *message
	seq         int64          // the number of the delivery in the order of acceptance
	index       int            // in the heap of the lane; -1 if settled
	suppression suppressionKey // zero: none
	leased      bool           // from the claim to the settlement, even if the lease has run out
	log         []store.Attempt
}

// A providerID identifies an attempt by the provider's id.
type providerID struct{ provider, id string }

// find returns the delivery that ref identifies, or nil. It ignores the Claim.
func (s *Store) find(ref store.DeliveryRef) *delivery {
	m := s.messages[ref.MessageID]
	if m == nil {
		return nil
	}
	at, ok := slices.BinarySearchFunc(m.deliveries, ref, func(d *delivery, ref store.DeliveryRef) int {
		return cmp.Or(cmp.Compare(d.Recipient, ref.Recipient), cmp.Compare(d.Place, ref.Place))
	})
	if !ok {
		return nil
	}
	return m.deliveries[at]
}

// leasedAs returns the delivery that ref identifies, or nil if it has another claim or does not exist.
func (s *Store) leasedAs(ref store.DeliveryRef) *delivery {
	if d := s.find(ref); d != nil && d.Claim == ref.Claim {
		return d
	}
	return nil
}

// group returns all deliveries to d's recipient, sorted by place.
func (d *delivery) group() []*delivery {
	all := d.parent.deliveries
	from, _ := slices.BinarySearchFunc(all, d.Recipient, func(d *delivery, r int) int { return cmp.Compare(d.Recipient, r) })
	to := from
	for to < len(all) && all[to].Recipient == d.Recipient {
		to++
	}
	return all[from:to]
}

// wake wakes the live peers of d, if d is Grouped.
func (s *Store) wake(d *delivery, now time.Time) {
	if !d.Grouped {
		return
	}
	for _, peer := range d.group() {
		if peer == d || peer.Status.Settled() {
			continue
		}
		peer.Wakes++
		if !peer.leased && peer.Due.After(now) {
			s.setDue(peer, now)
		}
	}
}

// setStatus sets the Status and the Reason of d, and At if the Status changes.
func (d *delivery) setStatus(status store.Status, reason store.Reason, at time.Time) {
	if d.Status != status {
		d.At = at
	}
	d.Status, d.Reason = status, reason
}

// record returns a copy of m.
func (m *message) record(attempts bool) store.MessageRecord {
	r := store.MessageRecord{Message: *m.head, Deliveries: make([]store.Delivery, len(m.deliveries))}
	for i, d := range m.deliveries {
		r.Deliveries[i] = d.copy()
		if attempts {
			r.Deliveries[i].Attempted = d.attempts()
		}
	}
	return r
}

func (d *delivery) copy() store.Delivery {
	c := d.Delivery
	c.Body = bytes.Clone(c.Body)
	c.Failure = copied(c.Failure)
	return c
}

func (d *delivery) attempts() []store.Attempt {
	all := slices.Clone(d.log)
	for i := range all {
		all[i].Failure = copied(all[i].Failure)
	}
	return all
}

func copied(f *store.Failure) *store.Failure {
	if f == nil {
		return nil
	}
	c := *f
	return &c
}
