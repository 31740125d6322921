package memory

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// A message is one with its deliveries.
type message struct {
	head       *store.Message // never changes, so that it is handed out as it is
	hash       [32]byte
	deliveries []*delivery // by recipient, then by place
}

// A delivery is one as it is kept. The embedded one has no Attempted.
type delivery struct {
	store.Delivery
	of     *message
	seq    int64   // in the order of acceptance
	place  int     // in the heap of its lane; -1 if it is settled
	dead   deadKey // what suppresses it; the zero key: nothing
	leased bool    // claimed, and not settled by the claimant; true after the lease ran out, too
	log    []store.Attempt
}

// provided names an attempt as its provider does.
type provided struct{ provider, id string }

// find returns the delivery that ref names, or nil. The claim is not looked at.
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

// leasedAs returns the delivery that ref names, or nil if the claim is another.
func (s *Store) leasedAs(ref store.DeliveryRef) *delivery {
	if d := s.find(ref); d != nil && d.Claim == ref.Claim {
		return d
	}
	return nil
}

// group returns all deliveries to d's recipient, by place.
func (d *delivery) group() []*delivery {
	all := d.of.deliveries
	from, _ := slices.BinarySearchFunc(all, d.Recipient, func(d *delivery, r int) int { return cmp.Compare(d.Recipient, r) })
	to := from
	for to < len(all) && all[to].Recipient == d.Recipient {
		to++
	}
	return all[from:to]
}

// wake makes the live peers of d look again, if it is grouped.
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
			s.due(peer, now)
		}
	}
}

// stand brings d to a status.
func (d *delivery) stand(status store.Status, reason store.Reason, at time.Time) {
	if d.Status != status {
		d.At = at
	}
	d.Status, d.Reason = status, reason
}

// record copies m for a caller.
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
