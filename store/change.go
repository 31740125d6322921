package store

import "time"

// A Receipt is a later report by a provider. It matches the delivery that its DeliveryRef identifies. Without a DeliveryRef, it matches
// the delivery that has a logged attempt with its Provider and ProviderID.
//
// A Receipt applies if [Status.Raises] says so, whether the delivery is live, leased or settled. It then settles the delivery with its
// own Status, Reason, At and Failure, and wakes the peers of a Grouped delivery. A current lease stays valid for its settlement. If the
// delivery was live and not leased, its claim increases.
//
// A Receipt that matches but does not apply has no effect, and is not an error.
type Receipt struct {
	DeliveryRef // an empty MessageID means none; the Claim is ignored
	Provider    string
	ProviderID  string
	Status      Status // Sent, Delivered, Read or Failed
	Reason      Reason
	At          time.Time // zero: now
	Failure     *Failure

	// The store sets the following fields.
	Found  *Delivery // the delivery after the receipt; nil if none matches
	Raised bool      // the receipt applied
	Ended  bool      // the delivery was live and not leased, so no settlement follows
}

// A Filter selects deliveries. A delivery must match every field that is set. A zero field matches all, except Tenant.
type Filter struct {
	Tenant    string // matches exactly, even ""; ignored with AnyTenant
	AnyTenant bool
	MessageID string
	Key       string
	User      string // the recipient's id at the host
	Channel   string
	Class     string
	Category  string
	Template  string
	Statuses  []Status
	Reasons   []Reason
	From, To  time.Time // accepted at or after From, and before To
}

// An Action is the verb of a [Change].
type Action string

// The actions.
const (
	// Cancel makes a live delivery Canceled, clears the Reason, and increases the claim. If the delivery is leased, its driver may be
	// running: Cancel then only sets [Delivery].Canceled, and the settlement decides.
	Cancel Action = "cancel"
	// Release makes a Held delivery Accepted and due at once, and clears Reason and NotBefore. Leased deliveries are skipped.
	Release Action = "release"
	// Replay makes a Failed or Unknown delivery Accepted and due at once, and clears Reason, NotBefore, Failure, Spent and Canceled.
	// Attempts, Doubt and Duplicate stay, except that an Unknown delivery gets Doubt. Leased deliveries are skipped.
	Replay Action = "replay"
)

// A Change applies its Action to the deliveries that its Filter selects and whose Status allows the Action. Deliveries of older messages are
// changed first. The peers of each changed Grouped delivery are woken. A delivery counts as leased until its settlement, even if the lease has
// expired.
type Change struct {
	Action Action
	Filter Filter
	Limit  int // the maximum number of deliveries, leased ones included; 0: no limit
}

// Changed is the result of a [Change].
type Changed struct {
	Deliveries []DeliveryRef // the changed deliveries, with Claim 0
	Leased     int           // the number of leased deliveries, which Cancel marks and the other actions skip
}

// A MessageQuery asks for the messages with at least one delivery that the Filter selects. Each comes with all of its deliveries.
type MessageQuery struct {
	Filter
	Cursor   string // the Cursor of the previous page, which is the id of its last message; "": the first page
	Limit    int    // the maximum number of messages: at most 500; 0: 50
	Attempts bool   // whether to include the attempts
}

// A MessagePage is a page of the message log, sorted by message id, the newest first.
type MessagePage struct {
	Now      time.Time // the store's clock
	Messages []MessageRecord
	Cursor   string // for the next page; "" on the last page, even a full one
}

// A MessageRecord is a message with its deliveries, sorted by recipient, then by place.
type MessageRecord struct {
	Message    Message
	Deliveries []Delivery
}

// A CountQuery limits a count.
type CountQuery struct {
	Limit int // the maximum of each count; 0: 10,000
}

// A LaneCount is the backlog of a lane. Due and Later each stop at the query's limit.
type LaneCount struct {
	Lane   Lane
	Due    int       // due now
	Later  int       // due later, at the end of their leases if they are leased
	Oldest time.Time // the due time of the delivery that has been due longest; zero if none is due
}
