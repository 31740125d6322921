// Package store is the port between notify and a database. The rows of the message log are also the queue of due deliveries.
//
// [Deliveries] is the main port: deliveries outlive a call only with it. [Schedules], [Pauses] and [Suppressions] are optional. Each
// method's name contains its noun, so that one type can implement all ports. Package storetest tests an implementation, rule by rule.
//
// # Queue
//
// A delivery is live until it is settled; see [Status.Settled]. A live delivery can be leased from its due time on. Waiting, scheduled,
// retrying and leased deliveries differ in that time alone.
//
// A lease gives a delivery to one caller for a limited time. It increases the delivery's claim and moves the due time to the end of the
// lease. A settlement ends the lease. If the lease runs out first, the delivery is due again without any cleanup, but still
// counts as leased until its settlement.
//
// The claim fences later writes. A settlement or an extension with an outdated claim is lost: returned and not written.
//
// # Groups
//
// The deliveries to one recipient of a message form a group. Each member of a group is a peer of the others. A Grouped delivery
// depends on its peers, and is woken by their events while it is live. Waking a delivery increases its Wakes, and makes it due at once
// unless it is leased. Its NotBefore stays.
//
// # Rules for all ports
//
// Methods are safe for concurrent use, by many goroutines and by many processes that share the database.
//
// All times are on the store's clock. A store returns them in UTC and in whole microseconds.
//
// Texts are UTF-8 without NUL, and bodies are arbitrary bytes. Both may be empty. Texts are compared byte by byte, so upper and
// lower case differ. A store keeps no references to arguments, and returns copies, except that deliveries share a [Delivery].Message.
//
// A call with an empty slice does nothing. A call whose ctx is already done returns an error and writes nothing. The store itself
// retries after serialization failures and while the database is busy, within ctx.
//
// Writes are idempotent, because a commit may succeed although the answer is lost: a call repeated with the same arguments changes
// nothing more. If the answer of LeaseDeliveries is lost, the leases run out.
package store

import (
	"context"
	"errors"
	"time"
)

// ErrUnfit reports that the database cannot be used as it is: the schema is too old or too new, or a setting loses data.
// Trying again does not help. The error that wraps ErrUnfit says how to fix the database.
var ErrUnfit = errors.New("the store is unfit")

// An Accepter accepts messages. An implementation may run inside a transaction of the host.
type Accepter interface {
	// AcceptMessages stores messages with their deliveries, all or none, and returns one Acceptance per message, in the same order.
	//
	// A message whose (Tenant, Key) is taken is not stored: the Acceptance holds the message that has the key. An earlier message of
	// the same call can take a key, too. A message whose ID is already stored is a repetition of an earlier call: it is
	// accepted, its key does not count as taken, and nothing is written.
	AcceptMessages(ctx context.Context, ms []NewMessage) ([]Acceptance, error)
}

// Deliveries is the message log and the queue of due deliveries.
type Deliveries interface {
	Accepter

	// LeaseDeliveries leases due deliveries and returns them with everything needed to send them: lane by lane in the order of the
	// request, and within a lane the longest due first. Each lease increases the claim and leaves the Status unchanged. A delivery
	// is not leased again before its lease is settled or runs out.
	LeaseDeliveries(ctx context.Context, r LeaseRequest) (Leases, error)

	// SettleDeliveries ends leases: it writes the new states of deliveries and the attempts, in one transaction. It sets Overtaken in
	// each of ss.
	//
	// A settlement is lost if the delivery has another claim, or does not exist. A lost settlement is returned and not written, nor
	// is its attempt; the others of the call are written. A settlement whose claim is current, but whose lease was settled before, is a
	// repetition, which is not lost and writes nothing.
	SettleDeliveries(ctx context.Context, ss []Settlement) (lost []DeliveryRef, err error)

	// ExtendLeases moves the end of leases to the given duration from now. An extension is lost if the delivery has another claim, or
	// does not exist. A lost extension is returned and not written; the others of the call are written.
	ExtendLeases(ctx context.Context, es []Extension, lease time.Duration) (lost []DeliveryRef, err error)

	// RecordReceipts raises deliveries to the status that their providers report. The receipts apply one after another. It sets
	// Found, Raised and Ended in each of rs, and returns the receipts that match no delivery.
	RecordReceipts(ctx context.Context, rs []Receipt) (unmatched []Receipt, err error)

	// ChangeDeliveries cancels, releases or replays deliveries. It may use several transactions: with an error, it also returns the
	// changes made so far.
	ChangeDeliveries(ctx context.Context, c Change) (Changed, error)

	// ListMessages returns a page of messages, the newest first.
	ListMessages(ctx context.Context, q MessageQuery) (MessagePage, error)

	// CountDeliveries counts the live deliveries of each lane, in the order of the lanes' names. A lane without any is left out.
	CountDeliveries(ctx context.Context, q CountQuery) ([]LaneCount, error)

	// PruneMessages deletes at most limit messages that were accepted before a time and have no live delivery, the oldest first.
	// Everything that belongs to them is deleted, too, so their ids and keys can be used again. It returns the number of messages.
	PruneMessages(ctx context.Context, before time.Time, limit int) (int, error)
}
