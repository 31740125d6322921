package channel

import (
	"encoding/json"
	"time"
)

// A Delivery is one message for one recipient at one address on one channel, rendered: the unit of retry, log and truth.
// A driver must not change what it points to: deliveries of one message share it.
type Delivery struct {
	ID        string `json:"id"` // the same on every attempt; letters, digits and '-', at most 60
	MessageID string `json:"message_id"`
	Tenant    string `json:"tenant,omitempty"` // a host may choose credentials by it

	Channel   string `json:"channel"`             // the host's name for the channel
	Recipient string `json:"recipient,omitempty"` // the host's id of the recipient
	To        string `json:"to,omitempty"`        // the address; empty for a group channel
	Locale    string `json:"locale,omitempty"`    // BCP 47

	Category string `json:"category,omitempty"`
	Class    string `json:"class,omitempty"` // otp, transactional, notice or marketing

	Attempt    int       `json:"attempt"` // counted from 1; 0 while the delivery is validated
	AtMostOnce bool      `json:"at_most_once,omitempty"`
	ExpireAt   time.Time `json:"expire_at,omitzero"`

	Content     Content         `json:"content"`
	Attachments []Attachment    `json:"attachments,omitempty"`
	Extra       json.RawMessage `json:"extra,omitempty"` // the driver's own settings; see [Decode]
}

// Content holds all forms of a message. A driver shows the richest form that it can carry and documents the order it picks from.
type Content struct {
	Title    string    `json:"title,omitempty"` // subject of a mail, title of a card or of a desktop push
	Text     string    `json:"text,omitempty"`
	HTML     string    `json:"html,omitempty"`
	Markdown string    `json:"markdown,omitempty"`
	URL      string    `json:"url,omitempty"` // where a click leads
	Approved *Approved `json:"approved,omitempty"`
}

// IsZero reports whether c holds nothing at all.
func (c Content) IsZero() bool { return c == Content{} }

// Approved names a text that the vendor approved beforehand, as SMS providers demand.
type Approved struct {
	Name   string  `json:"name"` // the host's own name; each driver maps it to its vendor's id
	Params []Param `json:"params,omitempty"`
}

// Param is one parameter of an [Approved] text.
type Param struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attachment is a file that goes with a message.
type Attachment struct {
	Name      string `json:"name"`
	Type      string `json:"type,omitempty"`       // media type; by default told from the name
	ContentID string `json:"content_id,omitempty"` // if set, the file is shown inline, as <img src="cid:…">
	Data      []byte `json:"data"`
}
