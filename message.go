package notify

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// The parts of a message, under the names of this package, so that applications import this package alone.
type (
	// Content holds all forms of a message; see [channel.Content].
	Content = channel.Content
	// Approved names a text that the vendor approved beforehand; see [channel.Approved].
	Approved = channel.Approved
	// Param is one parameter of an [Approved] text.
	Param = channel.Param
	// Attachment is a file that goes with a message; see [channel.Attachment].
	Attachment = channel.Attachment
)

// A Message is a request of the application: content, recipients, channels. Content and Template are mutually exclusive. Slices and maps must
// stay unchanged until Send returns. The data of attachments must stay unchanged as long as a driver that ignores its deadline may read it.
type Message struct {
	// Key is the idempotency key, unique within the Tenant. Sending the message again returns the first report; sending a different message
	// with the same Key returns [ErrKeyReused]. SendAt and ExpireAt may differ, or have passed, since a repeated call may compute them anew;
	// the first ones count. Values of type any are compared by their JSON, lists by their order. A Key has at most 255 bytes, needs a store,
	// and is forgotten together with the message.
	Key    string `json:"key,omitempty"`
	Tenant string `json:"tenant,omitempty"` // isolation scope

	// To may be empty if all Channels are group channels.
	To []Recipient `json:"to,omitempty"`
	// Channels names the channels, in order. If empty, each recipient is told over the channels that are keys of Addresses, in the order of
	// their names.
	Channels []string `json:"channels,omitempty"`
	// Dispatcher is a name in [Config.Dispatchers], "all" or "first". The default is "all".
	Dispatcher string `json:"dispatcher,omitempty"`

	Category string `json:"category,omitempty"` // the subject of a user's preferences, such as "billing"
	Class    Class  `json:"class,omitempty"`    // the default is Transactional
	Locale   string `json:"locale,omitempty"`   // BCP 47, for recipients without one and for group channels

	Content     Content      `json:"content,omitzero"`
	Template    string       `json:"template,omitempty"`
	Data        any          `json:"data,omitempty"` // for the Template, as JSON
	Attachments []Attachment `json:"attachments,omitempty"`
	// Extra holds, by channel name, the driver's Extra struct or the JSON of one. Extra of a channel replaces that of the template.
	Extra map[string]any `json:"extra,omitempty"`

	// SendAt is the earliest time of an attempt. SendAt needs a store.
	SendAt time.Time `json:"send_at,omitzero"`
	// ExpireAt is the end of the message's use: no attempt begins after it. By default a message of class OTP expires ten minutes after its
	// acceptance, or after SendAt; other messages never expire.
	ExpireAt time.Time `json:"expire_at,omitzero"`
	// AtMostOnce forbids a further attempt after one with an uncertain result. By default there is a further attempt, and the recipient may
	// get the message twice.
	AtMostOnce bool `json:"at_most_once,omitempty"`
}

// A Recipient is a user of the host, known by ID, or the owner of Addresses.
type Recipient struct {
	ID string `json:"id,omitempty"` // the host's id of the user
	// Addresses holds addresses by channel name or by address kind, such as [channel.Email]; the channel name takes precedence. Each
	// address gets a delivery. Without Addresses, the Directory looks up the ID.
	Addresses map[string][]string `json:"addresses,omitempty"`
	Locale    string              `json:"locale,omitempty"`    // BCP 47
	TimeZone  string              `json:"time_zone,omitempty"` // IANA name; "" is UTC
	Data      map[string]any      `json:"data,omitempty"`      // for templates
}

// To returns a recipient for each address of a kind, or of a channel by its name: To("email", "ann@example.com").
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

// A Class groups messages that are queued together, apart from those of other classes.
type Class string

// The classes. The zero Class is [Transactional].
const (
	OTP           Class = "otp"
	Transactional Class = "transactional"
	Notice        Class = "notice"
	Marketing     Class = "marketing"
)

// classes holds the classes in the order in which they take free slots.
var classes = [...]string{string(OTP), string(Transactional), string(Notice), string(Marketing)}
