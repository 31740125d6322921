package channel

import (
	"encoding/json"
	"time"
)

// A Delivery is one rendered message for one recipient at one address on one channel. It is the unit of retry and of the message
// log. The deliveries of one message share their slices and pointers, so a driver must not modify anything behind them.
type Delivery struct {
	ID        string `json:"id"` // the same on every attempt; at most 60 letters, digits and '-'
	MessageID string `json:"message_id"`
	Tenant    string `json:"tenant,omitempty"` // the host's id of the tenant, for example to choose credentials by

	Channel   string `json:"channel"`             // the host's name for the channel
	Recipient string `json:"recipient,omitempty"` // the host's id of the recipient
	To        string `json:"to,omitempty"`        // the address; empty for a group channel
	Locale    string `json:"locale,omitempty"`    // BCP 47

	Category string `json:"category,omitempty"`
	Class    string `json:"class,omitempty"` // otp, transactional, notice or marketing

	Attempt    int       `json:"attempt"` // counted from 1; 0 in Validate
	AtMostOnce bool      `json:"at_most_once,omitempty"`
	ExpireAt   time.Time `json:"expire_at,omitzero"`

	Content     Content         `json:"content"`
	Attachments []Attachment    `json:"attachments,omitempty"`
	Extra       json.RawMessage `json:"extra,omitempty"` // the driver's own settings; see [Decode]
}

// Content holds a message in all the forms that the sender provides. A driver sends the richest form that its medium supports, and
// documents its order of preference.
type Content struct {
	Title    string    `json:"title,omitempty"` // subject of a mail; title of a card or a desktop notification
	Text     string    `json:"text,omitempty"`
	HTML     string    `json:"html,omitempty"`
	Markdown string    `json:"markdown,omitempty"`
	URL      string    `json:"url,omitempty"` // target of a click
	Approved *Approved `json:"approved,omitempty"`
}

// IsZero reports whether c has no form at all.
func (c Content) IsZero() bool { return c == Content{} }

// Approved names a text that the vendor approved beforehand, as many SMS providers require.
type Approved struct {
	Name   string  `json:"name"` // the host's name for the text; each driver maps it to the vendor's id
	Params []Param `json:"params,omitempty"`
}

// Param is one parameter of an [Approved] text.
type Param struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attachment is a file sent with a message.
type Attachment struct {
	Name      string `json:"name"`
	Type      string `json:"type,omitempty"`       // media type; by default derived from Name
	ContentID string `json:"content_id,omitempty"` // if set, the file is inline, and HTML refers to it by <img src="cid:…">
	Data      []byte `json:"data"`
}
