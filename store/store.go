// Package store is the port between notify and the database that it keeps messages in: the message log and the queue of what is due
// are the same rows.
//
// A [Deliveries] is required for anything to outlive a call. [Schedules], [Pauses] and [Suppressions] are small ports of their own;
// method names carry their noun, so that one value can satisfy all. The suite storetest says what a store must do, rule by rule.
//
// Waiting, scheduled, retrying and leased deliveries differ in one time only, their due time: when to look again. A lease moves it
// into the future and raises the claim; a lease that runs out makes the delivery due again by itself. All times are the store's clock,
// in whole microseconds and UTC. Every write is repeatable, because a commit whose answer is lost may have happened: a repeated call
// with the same arguments changes nothing more. Serialization failures and busy databases are retried inside, within ctx.
package store

import (
	"context"
	"errors"
	"time"
)

// ErrUnfit says that a database cannot be used as it is (a schema that is too old or too new, a setting that loses data), and that
// trying again does not help. The error around it says what to do.
var ErrUnfit = errors.New("the store is unfit")

// An Accepter takes messages in. It may be bound to a transaction of the host's.
type Accepter interface {
	// AcceptMessages stores messages with their deliveries, all or none, and answers in the same order. A message whose (Tenant, Key)
	// is taken, by an earlier one of ms too, is not stored: the answer names the one that has the key. A message whose ID is stored
	// already is accepted, and nothing is written: it is the same call repeated, and its key is its own.
	AcceptMessages(ctx context.Context, ms []NewMessage) ([]Acceptance, error)
}

// Deliveries is the message log and the queue of what is due. Its methods may be called by many goroutines and processes at once.
type Deliveries interface {
	Accepter

	// LeaseDeliveries claims what is due, lane by lane in the order of the request, the longest due first, and reads what it takes to
	// send it. It raises each claim, and changes no Status. No two callers get the same delivery before its lease has run out.
	LeaseDeliveries(ctx context.Context, r LeaseRequest) (Leases, error)

	// SettleDeliveries writes what became of leased deliveries, and their attempts, in one transaction. A delivery whose claim has
	// changed is lost: it is returned and not written, and its attempt is not logged. If the claim is the settlement's and the lease
	// was settled before, the call is a repetition, and that delivery is done. See [Settlement] for what is written, and for what was faster.
	SettleDeliveries(ctx context.Context, ss []Settlement) (lost []DeliveryRef, err error)

	// ExtendLeases lets leases run for so long from now. It returns those that are lost: the claim has changed.
	ExtendLeases(ctx context.Context, es []Extension, lease time.Duration) (lost []DeliveryRef, err error)

	// RecordReceipts raises deliveries to what their providers say; see [Receipt]. It says in each of rs what came of it, and returns
	// those that match no delivery.
	RecordReceipts(ctx context.Context, rs []Receipt) (unmatched []Receipt, err error)

	// ChangeDeliveries cancels, releases or replays deliveries; see [Change]. It may do so part by part: with an error, it answers what
	// it has changed so far.
	ChangeDeliveries(ctx context.Context, c Change) (Changed, error)

	// ListMessages returns messages, the newest first.
	ListMessages(ctx context.Context, q MessageQuery) (MessagePage, error)

	// CountDeliveries counts live deliveries by lane, in the order of the lanes' names. A lane without any is left out.
	CountDeliveries(ctx context.Context, q CountQuery) ([]LaneCount, error)

	// PruneMessages deletes at most limit messages that were accepted before a time and have no live delivery, with all that belongs
	// to them, and returns how many. The oldest go first.
	PruneMessages(ctx context.Context, before time.Time, limit int) (int, error)
}
