package store

import "time"

// A LeaseRequest asks for due deliveries.
type LeaseRequest struct {
	Lanes []LaneRoom
	Lease time.Duration // the duration of each lease
}

// A LaneRoom limits the number of deliveries to lease from a lane.
type LaneRoom struct {
	Lane Lane
	Room int // the maximum; 0: none
}

// Leases is the answer to a [LeaseRequest].
type Leases struct {
	Now        time.Time // the store's clock at the claim
	Deliveries []Leased
	// NextDue holds, for each requested lane that gave less than its room, the due time of its next delivery, leased or not. A lane
	// without live deliveries has no entry. Nor has a lane that filled its room, which may have more due deliveries.
	NextDue map[Lane]time.Time
}

// A Leased is a delivery under lease, with everything needed to decide about it.
type Leased struct {
	Delivery
	// Group is the progress of all deliveries in the group, this one included, by place; nil if the delivery is not Grouped.
	// A store must read Group and Wakes in one statement after the claim. Otherwise a wake between two reads would be lost.
	Group []Progress
	// Suppressed is the Reason of the suppression that [NewDelivery.Suppression] names, as stored at the claim; "" if there is none,
	// as in a store without [Suppressions].
	Suppressed Reason
}

// Progress is the part of a delivery's state that dispatchers see.
type Progress struct {
	Channel, To     string
	Place, Attempts int // Place counts the recipient's deliveries from 0
	Status          Status
	Reason          Reason
	At              time.Time // the time of the change to Status
}

// An Extension moves the end of a lease. The lease may have run out, as long as the delivery was not leased again. An Extension of a
// settled lease has no effect.
type Extension struct {
	DeliveryRef
	// Marked records that the delivery's driver is about to be called. The mark stays through further extensions and leases until
	// the next settlement. If the lease runs out, later leases show the mark as [Delivery].Marked.
	Marked bool
}

// A Settlement ends a lease and writes the new state of the delivery.
//
// A receipt that settles the delivery during the lease overtakes the Settlement. The delivery then keeps the receipt's Status,
// Reason, At and Failure. The results of the attempt are still written: Attempt, ProviderID, Attempts, Spent, Doubt and Duplicate.
//
// A cancellation during the lease overtakes a Settlement to Held or Accepted: the delivery becomes Canceled without a reason, and
// the peers are woken regardless of Wake. A Settlement to any other Status is written unchanged.
type Settlement struct {
	DeliveryRef
	Status Status
	Reason Reason
	// Due is the next due time of a delivery that is not settled. The delivery is due at once if Due is zero, or if a peer has
	// woken the delivery during the lease, that is, if the stored Wakes are not those of the Settlement.
	Due       time.Time
	NotBefore time.Time
	Wakes     int64 // those of the [Leased]
	Attempts  int
	Spent     int
	Doubt     bool
	Duplicate bool
	Failure   *Failure // nil: none
	// Attempt is logged under the claim; nil if the driver was not called.
	Attempt *Attempt
	// Wake wakes the peers of a Grouped delivery, in the same transaction. Set it in every Settlement, except in one that only waits
	// for the dispatcher. A peer with a Settlement in the same call is woken, too, whichever of the two comes first. A delivery never
	// wakes itself.
	Wake bool

	// Overtaken is set by the store to the resulting state of the delivery, if a receipt has led to another Status or Reason than the
	// Settlement's, or if the delivery was canceled during the lease. Otherwise the store sets nil. A repeated call sets
	// Overtaken as well.
	//
	// A receipt or a cancellation may also end the delivery after the lease was settled. That increases the claim, so a repeated
	// Settlement is lost. The end of each delivery is thus reported once.
	Overtaken *Standing
}

// A Standing is the resulting state of a delivery.
type Standing struct {
	Status   Status
	Reason   Reason
	Failure  *Failure
	Canceled bool // as in [Delivery]
}
