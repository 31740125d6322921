package store

import (
	"strings"
	"time"
)

// A Message is what all deliveries of one message share. It never changes once accepted.
type Message struct {
	ID         string // a UUIDv7 in its usual form, so that ids are ordered by time
	Tenant     string
	Key        string // idempotency; unique within the Tenant unless it is empty
	Dispatcher string
	Category   string
	Class      string
	Template   string
	AtMostOnce bool
	ExpireAt   time.Time // zero: never
	AcceptedAt time.Time // the store's clock; set by the store
	Body       []byte    // opaque: content, attachments, extra
}

// A NewMessage is a message to accept.
type NewMessage struct {
	Message
	// Request is what the host asked for, if there is a Key: it tells whether a repeated Key means the same. A store keeps a hash of it.
	Request    []byte
	Deliveries []NewDelivery
}

// A NewDelivery is a delivery to accept.
type NewDelivery struct {
	Recipient int // its number within the message; with the message it names the group
	Place     int // its place in the group, from 0
	Lane      Lane
	User      string // the recipient's id at the host
	To        string // the address
	Locale    string
	Grouped   bool   // it has peers whose fate decides its own: leases bring their progress, settlements wake them
	Body      []byte // opaque: what is its own of the content; may be nil
	// Suppression is the one that stops the delivery, if it is stored when the delivery is claimed. With no Address, none does. A store
	// keeps a hash of it.
	Suppression SuppressionKey

	Status    Status // Accepted or Held, or a settled one: then it is only logged
	Reason    Reason
	NotBefore time.Time // when it is first due; zero or in the past: at once
	Failure   *Failure
}

// An Acceptance is the answer to a [NewMessage].
type Acceptance struct {
	// First is the message that has the Key, as it is now, with its deliveries, or nil if the new message was stored.
	First *MessageRecord
	// Differs says that First has another Request.
	Differs bool
}

// A Lane is where deliveries queue: "<channel>/<class>". No lane waits for another.
type Lane string

// LaneOf returns the lane of a channel, by its name, and a class.
func LaneOf(channel, class string) Lane { return Lane(channel + "/" + class) }

// Channel returns the name of l's channel, which has no slash.
func (l Lane) Channel() string {
	name, _, _ := strings.Cut(string(l), "/")
	return name
}

// Class returns l's class.
func (l Lane) Class() string {
	_, class, _ := strings.Cut(string(l), "/")
	return class
}

// A Delivery is a delivery as it is stored.
type Delivery struct {
	DeliveryRef
	Message  *Message // shared by all deliveries of one answer; it must not be changed
	Lane     Lane
	User     string
	To       string
	Locale   string
	Grouped  bool
	Body     []byte
	Canceled bool // asked for while it was leased; stays after that lease

	Status     Status
	Reason     Reason
	At         time.Time // when it came to its status; the same status again leaves it
	Due        time.Time // when it is looked at again, or its lease runs out; zero once it is settled
	NotBefore  time.Time // no attempt before; zero: at once
	Attempts   int       // calls of the driver whose answer was logged
	Spent      int       // attempts used up
	Doubt      bool      // an attempt may have gone out
	Duplicate  bool      // an attempt was made in doubt
	ProviderID string    // the vendor's id, of the last attempt that has one
	Failure    *Failure  // of the last attempt, or what settled it

	// Lapsed counts the leases that ran out since the last settlement, and Marked tells whether one of them was marked by
	// [Extension.Marked]. Wakes counts how often it was woken by a peer.
	Lapsed int
	Marked bool
	Wakes  int64

	// Attempted is the log of its attempts, oldest first, if it was asked for.
	Attempted []Attempt
}

// An Attempt is one call of a driver.
type Attempt struct {
	At         time.Time // when the call began
	Took       time.Duration
	Status     Status // what it brought the delivery to
	Reason     Reason
	Provider   string
	ProviderID string   // the vendor's id of the message, by which receipts find it
	Code       string   // the vendor's, of a success; a failure has its own
	Duplicate  bool     // made in doubt
	Failure    *Failure // nil: the provider took it
}
