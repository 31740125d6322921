package websocket

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/e7ddda3c/notify/channel"
)

var (
	_ channel.Channel    = (*Hub)(nil)
	_ channel.Validator  = (*Hub)(nil)
	_ channel.Configured = (*Hub)(nil)
	_ channel.Addresser  = (*Hub)(nil)
	_ channel.Drainer    = (*Hub)(nil)
)

// Extra holds the options that a message may set for this channel.
type Extra struct {
	Type FrameType       `json:"type,omitempty"` // Message or Desktop; defaults to Message
	Data json.RawMessage `json:"data,omitempty"` // any JSON, passed to the page unchanged
}

// AddressKind returns [channel.UserID]: a delivery's To is the recipient's own ID, which must equal [Identity].User.
func (h *Hub) AddressKind() string { return channel.UserID }

// Validate refuses a delivery without a user, one with neither title, text, Markdown nor data, one whose URL runs a script, one
// with an invalid Extra, and one that is too large for a queue.
func (h *Hub) Validate(d channel.Delivery) error {
	_, err := h.payload(d)
	return err
}

// Send queues the delivery as a [Frame] for every connection of user d.To in d.Tenant. The receipt confirms that the frame was
// queued, not that a page showed the message. The error for a user without a connection is [channel.Unreachable].
func (h *Hub) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	p, err := h.payload(d)
	if err != nil {
		return channel.Receipt{}, err
	}
	n, err := h.Push(ctx, User(d.Tenant, d.To), p)
	if err != nil {
		return channel.Receipt{}, err
	}
	if n == 0 {
		return channel.Receipt{}, fail(channel.Unreachable, "", errors.New("the user is not connected"))
	}
	return channel.Receipt{DeliveryID: d.ID, Provider: "websocket", Event: channel.Sent, At: time.Now()}, nil
}

// payload encodes a delivery as a frame.
func (h *Hub) payload(d channel.Delivery) (Payload, error) {
	extra, err := channel.Decode[Extra](d.Extra)
	if err != nil {
		return Payload{}, err
	}
	f := Frame{
		Type:  extra.Type,
		ID:    d.ID,
		Title: d.Content.Title,
		Text:  cmp.Or(d.Content.Text, d.Content.Markdown),
		URL:   d.Content.URL,
		Data:  extra.Data,
	}
	switch {
	case d.To == "":
		return Payload{}, fail(channel.InvalidRecipient, "to", errors.New("is required"))
	case f.Type != "" && f.Type != Message && f.Type != Desktop:
		return Payload{}, fail(channel.Rejected, "extra.type", errors.New("must be message or desktop"))
	case !utf8.Valid(f.Data):
		return Payload{}, fail(channel.Rejected, "extra.data", errors.New("must be valid UTF-8"))
	case f.Title == "" && f.Text == "" && f.Data == nil:
		return Payload{}, fail(channel.Rejected, "content", errors.New("must have a title, text or Markdown, unless extra has data"))
	case !safe(f.URL):
		return Payload{}, fail(channel.Rejected, "content.url", errors.New("must be a URL, and not a javascript, vbscript or data URL"))
	}
	p := f.Payload()
	if err := h.check(p); err != nil {
		err.Field = "content"
		return Payload{}, err
	}
	return p, nil
}

// safe reports whether a page can use s as a link without running a script.
func safe(s string) bool {
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "javascript", "vbscript", "data":
		return false
	}
	return true
}
