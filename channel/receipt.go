package channel

import "time"

// A Receipt is what the provider answered: when it took the delivery, and later when it calls back.
type Receipt struct {
	DeliveryID string    `json:"delivery_id,omitempty"`
	Provider   string    `json:"provider,omitempty"` // the vendor, such as "aliyun"
	ID         string    `json:"id,omitempty"`       // the vendor's id of the message
	Event      Event     `json:"event,omitempty"`    // from Send, the zero Event means Sent
	At         time.Time `json:"at,omitzero"`
	Code       string    `json:"code,omitempty"` // the vendor's own code
	// Kind, of Bounced, says what the Code means. [InvalidRecipient]: the address is dead, and is not to be used again; [Rejected]: the
	// content was refused on the way; zero is [Unreachable].
	Kind Kind `json:"kind,omitempty"`
}

// An Event is what a [Receipt] tells.
type Event string

// Events, in the order in which they raise a delivery.
const (
	Sent      Event = "sent"      // the provider took it
	Delivered Event = "delivered" // it reached the device or the mailbox
	Read      Event = "read"      // the recipient opened it
	Bounced   Event = "bounced"   // it was taken and came back
)
