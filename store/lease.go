package store

import "time"

// A LeaseRequest asks for what is due.
type LeaseRequest struct {
	Lanes []LaneRoom
	Lease time.Duration // until the deliveries are due again unless they are settled
}

// LaneRoom says how many deliveries of a lane are wanted at most.
type LaneRoom struct {
	Lane Lane
	Room int
}

// Leases is the answer to a [LeaseRequest].
type Leases struct {
	Now        time.Time // the store's clock at the claim
	Deliveries []Leased
	// NextDue holds, for each lane that was asked for and gave less than its room, when its next delivery is due. It has no entry for
	// a lane with nothing left, nor for one that gave all its room: that one may have more.
	NextDue map[Lane]time.Time
}

// Leased is a delivery with what it takes to decide about it.
type Leased struct {
	Delivery
	// Group is the progress of the recipient's deliveries, this one included, by place, if the delivery is Grouped. It is read together
	// with Wakes, in one statement after the claim, or a wake-up in between would be lost.
	Group []Progress
	// Suppressed is the Reason of [NewDelivery.Suppression], or "" if that is not stored, as in a store without [Suppressions].
	Suppressed Reason
}

// Progress is what a group knows of one of its deliveries.
type Progress struct {
	Channel, To     string
	Place, Attempts int // Place counts the recipient's deliveries from 0
	Status          Status
	Reason          Reason
	At              time.Time // when it came to its status
}

// An Extension lets a lease run on, or one that has run out and that nobody took. It does nothing to a lease that was settled.
type Extension struct {
	DeliveryRef
	// Marked is kept with the delivery: its driver is about to be called. The mark goes with the next settlement, not with further
	// extensions or leases; if the lease runs out before, [Delivery.Marked] tells.
	Marked bool
}

// A Settlement ends a lease. If the delivery was settled meanwhile by a receipt, its Status, Reason, At and Failure stay, and what the
// attempt brought is still written: Attempt, ProviderID, Attempts, Spent, Doubt, Duplicate. If it was canceled meanwhile, Held and
// Accepted become Canceled without a reason, which wakes the peers whatever Wake says, and anything else stays as it says. Both are told
// by Overtaken.
type Settlement struct {
	DeliveryRef
	Status Status
	Reason Reason
	// Due is when to look again, of a delivery that is not settled: or at once, if its Wakes have risen since the lease.
	Due       time.Time
	NotBefore time.Time
	Wakes     int64
	Attempts  int
	Spent     int
	Doubt     bool
	Duplicate bool
	Failure   *Failure // nil: none
	// Attempt is logged under the claim. Nil: the driver was not called.
	Attempt *Attempt
	// Wake makes the live peers of a Grouped delivery look again, in the same transaction: each one's Wakes rises, and it is due at
	// once unless it is leased; NotBefore stays. Set it for every fact: anything but waiting for the dispatcher. In one call, a peer
	// that is settled too is woken, whichever comes first; nobody wakes itself.
	Wake bool

	// Overtaken is set by the store where a receipt or a cancellation was faster, to how the delivery stands, also where the call is a
	// repetition. One that is repeated after those is lost, since they raise the claim: so each delivery is told once.
	Overtaken *Standing
}

// A Standing is what a delivery has come to.
type Standing struct {
	Status   Status
	Reason   Reason
	Failure  *Failure
	Canceled bool // as of [Delivery]
}
