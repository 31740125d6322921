package notify

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// Aliases for the parts of a message, so that applications need to import this package only.
type (
	// Content holds all forms of a message; see [channel.Content].
	Content = channel.Content
	// Approved refers to a text that the vendor approved beforehand; see [channel.Approved].
	Approved = channel.Approved
	// Param is one parameter of an [Approved] text.
	Param = channel.Param
	// Attachment is a file that is sent with a message; see [channel.Attachment].
	Attachment = channel.Attachment
)

// A Message is a request to send content to recipients over channels. Content and Template are mutually exclusive. Slices and maps must not be
// changed until Send returns. A driver that ignores its deadline may read the data of attachments even later; do not change the data meanwhile.
type Message struct {
	// Key is the idempotency key, unique within the Tenant. Sending the same message again returns the first report; sending a different
	// message with the same Key fails with [ErrKeyReused]. The comparison ignores SendAt and ExpireAt, which a repeated call may compute anew;
	// those of the first call apply, even if they have passed. Values of type any are compared as JSON; the order of lists matters. A Key
	// requires a store, has at most 255 bytes, and is deleted together with the message.
	Key    string `json:"key,omitempty"`
	Tenant string `json:"tenant,omitempty"` // the tenant that the message belongs to

	// To may be empty if all Channels are group channels.
	To []Recipient `json:"to,omitempty"`
	// Channels holds the names of the channels, in order. If it is empty, each recipient is notified over the channels whose names are keys
	// of Addresses, in alphabetical order.
	Channels []string `json:"channels,omitempty"`
	// Dispatcher is the name of a dispatcher: "all", "first" or a name in [Config.Dispatchers]. The default is "all".
	Dispatcher string `json:"dispatcher,omitempty"`

	Category string `json:"category,omitempty"` // the topic of the message, for preferences and queries, such as "billing"
	Class    Class  `json:"class,omitempty"`    // the default is Transactional
	Locale   string `json:"locale,omitempty"`   // BCP 47, for recipients without one and for group channels

	Content     Content      `json:"content,omitzero"`
	Template    string       `json:"template,omitempty"`
	Data        any          `json:"data,omitempty"` // for the Template, as JSON
	Attachments []Attachment `json:"attachments,omitempty"`
	// Extra holds, by channel name, the driver's Extra struct or its JSON. The Extra of a channel replaces that of the template.
	Extra map[string]any `json:"extra,omitempty"`

	// SendAt is the time before which no attempt begins. SendAt requires a store.
	SendAt time.Time `json:"send_at,omitzero"`
	// ExpireAt is the time after which no attempt begins. By default, a message of class OTP expires ten minutes after its acceptance, or after
	// SendAt; other messages never expire.
	ExpireAt time.Time `json:"expire_at,omitzero"`
	// AtMostOnce forbids a further attempt after an attempt whose result is uncertain. By default, the attempt is repeated, and the recipient
	// may receive the message twice.
	AtMostOnce bool `json:"at_most_once,omitempty"`
}

// A Recipient is a user of the host, identified by ID, or any person with Addresses.
type Recipient struct {
	ID string `json:"id,omitempty"` // the host's id of the user
	// Addresses holds addresses by channel name or by address kind, such as [channel.Email]; the channel name takes precedence. Each
	// address gets a delivery. Without Addresses, the Directory looks up the ID.
	Addresses map[string][]string `json:"addresses,omitempty"`
	Locale    string              `json:"locale,omitempty"`    // BCP 47
	TimeZone  string              `json:"time_zone,omitempty"` // IANA name; "" is UTC
	Data      map[string]any      `json:"data,omitempty"`      // for templates
}

// To returns a recipient for each address. kind is the kind of the addresses, or the name of a channel: To("email", "ann@example.com").
func To(kind string, addresses ...string) []Recipient {
	rs := make([]Recipient, len(addresses))
	for i, a := range addresses {
		rs[i].Addresses = map[string][]string{kind: {a}}
	}
	return rs
}

// Users returns a recipient for each of the host's user ids.
func Users(ids ...string) []Recipient {
	rs := make([]Recipient, len(ids))
	for i, id := range ids {
		rs[i].ID = id
	}
	return rs
}

// A Class is a class of messages. Each class has queues of its own.
type Class string

// The classes. The zero Class is [Transactional].
const (
	OTP           Class = "otp"
	Transactional Class = "transactional"
	Notice        Class = "notice"
	Marketing     Class = "marketing"
)

// classes holds the classes in the order in which they are given free slots.
var classes = [...]string{string(OTP), string(Transactional), string(Notice), string(Marketing)}
