package notify

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// Applications import this package alone, so what a message is made of has its names here too.
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

// A Message is what the application asks for: what to say, to whom, over which channels. It brings its Content, or the key of a
// Template and the Data to fill it with, never both. Its slices and maps must stay unchanged until Send returns, and the data of
// attachments as long as a driver that ignores its deadline may read it.
type Message struct {
	// Key makes the message unique in its Tenant: sent again, it gives the report of the first, and a different message with the Key
	// is refused with [ErrKeyReused]. SendAt and ExpireAt may differ, since a repeated call may compute them anew, or have passed; the
	// first count. What is typed any is compared by its JSON, and lists by their order. It has at most 255 bytes and needs a store, which
	// forgets it together with the message.
	Key    string `json:"key,omitempty"`
	Tenant string `json:"tenant,omitempty"` // isolation scope

	// To may be empty if all Channels are group channels.
	To []Recipient `json:"to,omitempty"`
	// Channels are the names of the channels to use, in order. If it is empty, each recipient is told over the channels that its
	// Addresses are named after, in the order of their names.
	Channels []string `json:"channels,omitempty"`
	// Dispatcher is a name in [Config.Dispatchers], "all" or "first". The default is "all".
	Dispatcher string `json:"dispatcher,omitempty"`

	Category string `json:"category,omitempty"` // what a user opts in or out of, such as "billing"
	Class    Class  `json:"class,omitempty"`    // the default is Transactional
	Locale   string `json:"locale,omitempty"`   // BCP 47, for recipients without one and for group channels

	Content     Content      `json:"content,omitzero"`
	Template    string       `json:"template,omitempty"`
	Data        any          `json:"data,omitempty"` // templates see it as its JSON
	Attachments []Attachment `json:"attachments,omitempty"`
	// Extra holds, by channel name, the driver's Extra struct or its JSON. It replaces the template's extra whole.
	Extra map[string]any `json:"extra,omitempty"`

	// SendAt is before when no attempt begins. It needs a store.
	SendAt time.Time `json:"send_at,omitzero"`
	// ExpireAt is when the message loses its use: no attempt begins after it. By default a message of class OTP expires ten
	// minutes after it was accepted, or after its SendAt, and others never.
	ExpireAt time.Time `json:"expire_at,omitzero"`
	// AtMostOnce forbids another attempt of a delivery after one whose outcome is uncertain. By default it is tried again, and the
	// recipient may get it twice.
	AtMostOnce bool `json:"at_most_once,omitempty"`
}

// A Recipient is somebody to tell: a host's user, known by ID, or whoever is at Addresses.
type Recipient struct {
	ID string `json:"id,omitempty"` // the host's id of the user
	// Addresses holds addresses by channel name or by address kind, such as [channel.Email]; the channel name is looked up first.
	// Each address gets a delivery of its own. If it is empty, the Directory is asked for the ID.
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

// A Class groups messages by how they are queued, expired and shielded from one another.
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
