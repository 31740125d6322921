package store

import "time"

// A Receipt is what a provider said later. It names the delivery, or else the attempt by Provider and ProviderID. It applies if
// [Status.Raises] says so, whether the delivery is live or not, and then settles it, with the Receipt's Reason, At and Failure; a
// lease that is held stays good for its settlement, and if none is, the claim of what was live rises. If it raises a Grouped delivery,
// it wakes the peers. One that applies to nothing because nothing is raised is no error, and matches.
type Receipt struct {
	DeliveryRef // no MessageID: unknown; the Claim is ignored
	Provider    string
	ProviderID  string
	Status      Status // Sent, Delivered, Read, or Failed
	Reason      Reason
	At          time.Time // zero: now
	Failure     *Failure

	// The store sets what follows.
	Found  *Delivery // the delivery, as it is afterwards; nil if it matches none
	Raised bool      // it applied
	Ended  bool      // it settled what was live and not leased: no settlement follows
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
	Reasons   []Reason
	From, To  time.Time // accepted in [From, To)
}

// An Action is the verb of a [Change].
type Action string

// The actions.
const (
	// Cancel stops what is live: it is Canceled without a reason, and its claim rises. What is leased is only marked, since its driver may
	// be under way: its settlement decides. Leased is what was claimed and not settled since, even if the lease has run out.
	Cancel Action = "cancel"
	// Release makes what is held, and not leased, due at once: it is Accepted, without Reason and NotBefore.
	Release Action = "release"
	// Replay tries again what failed or is unknown, and is not leased: it is Accepted and due at once, with no Spent, Reason, NotBefore,
	// Failure or Canceled. Attempts, Doubt and Duplicate stay; what was unknown is in doubt.
	Replay Action = "replay"
)

// A Change is made to the deliveries that a filter selects and that its Action speaks of, at most Limit of them, the oldest messages
// first. It wakes the peers of Grouped ones that it changes.
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
	Cursor   string // of the page before: the id of its last message; "" is the first page
	Limit    int    // 0: 50; at most 500
	Attempts bool   // with the attempts
}

// MessagePage is a page of the message log, the newest messages first, by their ids.
type MessagePage struct {
	Now      time.Time // the store's clock
	Messages []MessageRecord
	Cursor   string // of the next page; "" if this is the last, even if it is full
}

// A MessageRecord is a message with its deliveries, by recipient, then by place.
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
