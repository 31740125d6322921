package store

import (
	"strings"
	"time"
)

// A Message holds the values that all deliveries of a message share. It is immutable once accepted.
type Message struct {
	ID         string // a UUIDv7 in its usual form; messages are ordered by id, and therefore by time
	Tenant     string
	Key        string // the idempotency key: unique within the Tenant; "": none
	Dispatcher string
	Category   string
	Class      string
	Template   string
	AtMostOnce bool
	ExpireAt   time.Time // zero: never
	AcceptedAt time.Time // set by the store
	Body       []byte    // opaque: content, attachments, extra
}

// A NewMessage is a message to accept.
type NewMessage struct {
	Message
	// Request encodes the host's request, if there is a Key. [Acceptance].Differs compares the requests of a repeated Key. A store
	// keeps only a hash of it.
	Request    []byte
	Deliveries []NewDelivery
}

// A NewDelivery is a delivery to accept.
type NewDelivery struct {
	Recipient int // the recipient's number in the message, from 0; message and recipient identify the group
	Place     int // the place in the group, from 0
	Lane      Lane
	User      string // the recipient's id at the host
	To        string // the address
	Locale    string
	Grouped   bool   // depends on its peers: its leases bring their progress, and its settlements can wake them
	Body      []byte // opaque: the delivery's own part of the content; may be nil
	// Suppression names the suppression that stops the delivery, if one is stored when the delivery is leased. An empty Address
	// names none. A store keeps only a hash of it.
	Suppression SuppressionKey

	Status    Status // Accepted or Held; or a settled one for a delivery that is only logged and never leased
	Reason    Reason
	NotBefore time.Time // the first due time; zero or past: at once
	Failure   *Failure
}

// An Acceptance is the answer to a [NewMessage].
type Acceptance struct {
	// First is nil if the message was accepted. Otherwise it is the message that has the Key, with its deliveries, in their current
	// state.
	First *MessageRecord
	// Differs reports that First has another Request.
	Differs bool
}

// A Lane names a queue of deliveries: "<channel>/<class>". Lanes are independent of each other.
type Lane string

// LaneOf returns the lane of a class on the channel with the given name.
func LaneOf(channel, class string) Lane { return Lane(channel + "/" + class) }

// Channel returns the name of l's channel, which contains no slash.
func (l Lane) Channel() string {
	name, _, _ := strings.Cut(string(l), "/")
	return name
}

// Class returns the class of l.
func (l Lane) Class() string {
	_, class, _ := strings.Cut(string(l), "/")
	return class
}

// A Delivery is a stored delivery.
type Delivery struct {
	DeliveryRef
	Message  *Message // shared by all deliveries in one answer; must not be modified
	Lane     Lane
	User     string
	To       string
	Locale   string
	Grouped  bool
	Body     []byte
	Canceled bool // canceled during a lease; stays set after that lease

	Status     Status
	Reason     Reason
	At         time.Time // the time of the change to Status; setting the same Status again keeps it
	Due        time.Time // the due time, which is the end of the lease while one is held; zero once settled
	NotBefore  time.Time // the earliest time of the next attempt; zero: at once
	Attempts   int       // the number of driver calls with a logged answer
	Spent      int       // the number of attempts used up
	Doubt      bool      // an attempt may have been sent
	Duplicate  bool      // an attempt was made in doubt
	ProviderID string    // the vendor's id of the last attempt that has one
	Failure    *Failure  // the failure of the last attempt, or the one that settled the delivery

	Lapsed int   // the number of leases that ran out since the last settlement
	Marked bool  // one of those leases was marked; see [Extension]
	Wakes  int64 // increases whenever a peer wakes the delivery

	// Attempted is the log of attempts, oldest first, if [MessageQuery].Attempts asks for it. Otherwise it is nil.
	Attempted []Attempt
}

// An Attempt is one call of a driver.
type Attempt struct {
	At         time.Time     // the start of the call
	Took       time.Duration // the duration of the call
	Status     Status        // the resulting status of the delivery
	Reason     Reason
	Provider   string
	ProviderID string   // the vendor's id of the message, which receipts refer to
	Code       string   // the vendor's code of a success; a Failure has its own
	Duplicate  bool     // made in doubt
	Failure    *Failure // nil: the provider accepted the message
}
