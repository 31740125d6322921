package channel

import "time"

// A Receipt is a provider's report on a delivery. Send returns the first one, when the provider has accepted the delivery; later ones
// arrive through the provider's callbacks.
type Receipt struct {
	DeliveryID string    `json:"delivery_id,omitempty"`
	Provider   string    `json:"provider,omitempty"` // the vendor, such as "aliyun"
	ID         string    `json:"id,omitempty"`       // the vendor's id of the message
	Event      Event     `json:"event,omitempty"`    // in a receipt from Send, the zero Event means Sent
	At         time.Time `json:"at,omitzero"`
	Code       string    `json:"code,omitempty"` // the vendor's own code
	// Kind classifies a Bounced event. [InvalidRecipient]: the address is dead and must not be used again. [Rejected]: the content was
	// refused on the way. The zero Kind means [Unreachable].
	Kind Kind `json:"kind,omitempty"`
}

// An Event is the step of a delivery that a [Receipt] reports.
type Event string

// The events. Providers may repeat and reorder them: Delivered overrules Sent and Bounced, Read overrules all others, and Bounced
// overrules Sent alone.
const (
	Sent      Event = "sent"      // the provider accepted the delivery
	Delivered Event = "delivered" // the delivery reached the device or the mailbox
	Read      Event = "read"      // the recipient opened the message
	Bounced   Event = "bounced"   // the provider accepted the delivery, and later reported a failure
)
