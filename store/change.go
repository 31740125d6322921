package store

import "time"

// A Receipt is what a provider said later. It names the delivery, or else the attempt by Provider and ProviderID. It applies if
// [Status.Raises] says so, whether the delivery is live or not, and then settles it; a lease that is held stays good for its
// settlement. If it raises a Grouped delivery, it wakes the peers.
type Receipt struct {
	DeliveryRef // no MessageID: unknown; the Claim is ignored
	Provider    string
	ProviderID  string
	Status      Status // Sent, Delivered, Read, or Failed
	Reason      string
	At          time.Time // zero: now
	Failure     *Failure
}

// A Filter selects deliveries. Its fields are joined by and; zero ones select all.
type Filter struct {
	Tenant    string // with AnyTenant, all; else exactly this, "" too
	AnyTenant bool
	MessageID string
	Key       string
	User      string // a recipient's id at the host
	Channel   string
	Class     string
	Category  string
	Template  string
	Statuses  []Status
	Reasons   []string
	From, To  time.Time // accepted in [From, To)
}

// An Action is the verb of a [Change].
type Action string

// The actions.
const (
	// Cancel stops what is live. What is leased is only marked, since its driver may be under way: its settlement decides.
	Cancel Action = "cancel"
	// Release makes what is held, and not leased, due at once: it is Accepted, without NotBefore.
	Release Action = "release"
	// Replay tries again what failed or is unknown: it is Accepted and due at once, with no Tries and no Failure. Attempts, Doubt and
	// Duplicate stay; what was unknown is in doubt.
	Replay Action = "replay"
)

// A Change is made to the deliveries that a filter selects, at most Limit of them, the oldest messages first. It wakes the peers of
// Grouped ones.
type Change struct {
	Action Action
	Filter Filter
	Limit  int // 0: no limit
}

// Changed says what a [Change] did.
type Changed struct {
	Deliveries []DeliveryRef // that were changed; Claim is 0
	Leased     int           // that were only marked, by Cancel, or passed over
}

// A MessageQuery asks for messages of which at least one delivery is selected. All deliveries of such a message are returned.
type MessageQuery struct {
	Filter
	Cursor   string // of the page before; "" is the first page
	Limit    int    // 0: 50; at most 500
	Attempts bool   // with the attempts
}

// MessagePage is a page of the message log.
type MessagePage struct {
	Now      time.Time // the store's clock
	Messages []MessageRecord
	Cursor   string // of the next page; "" if this is the last
}

// A MessageRecord is a message with its deliveries, by recipient, then by rank.
type MessageRecord struct {
	Message    Message
	Deliveries []Delivery
}

// A CountQuery bounds a count.
type CountQuery struct {
	Limit int // by lane; 0: 10,000
}

// LaneCount is the backlog of a lane. Counts stop at the query's limit.
type LaneCount struct {
	Lane   Lane
	Due    int       // to be looked at now
	Later  int       // leased, or to be looked at later
	Oldest time.Time // since when the longest due one has been due; zero if none is
}
