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

// Extra is what a message may say for this channel alone.
type Extra struct {
	Type FrameType       `json:"type,omitempty"` // Message, the default, or Desktop
	Data json.RawMessage `json:"data,omitempty"` // any JSON, handed to the page as it is
}

// AddressKind says that deliveries go to the recipient's own ID, which is [Identity].User.
func (h *Hub) AddressKind() string { return channel.UserID }

// Validate refuses a delivery without a user, without title, text and data, with a URL that is a script, with an unknown Extra, or
// that is larger than a queue.
func (h *Hub) Validate(d channel.Delivery) error {
	_, err := h.payload(d)
	return err
}

// Send queues the delivery as a [Frame] for every connection of user d.To in d.Tenant. The receipt says that it was queued; whether
// a page showed it, nobody knows. A user without a connection is [channel.Unreachable].
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

// payload turns a delivery into what goes over the wire.
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
		return Payload{}, fail(channel.InvalidRecipient, "to", errors.New("no user"))
	case f.Type != "" && f.Type != Message && f.Type != Desktop:
		return Payload{}, fail(channel.Rejected, "extra.type", errors.New("is neither message nor desktop"))
	case !utf8.Valid(f.Data):
		return Payload{}, fail(channel.Rejected, "extra.data", errors.New("is not UTF-8"))
	case f.Title == "" && f.Text == "" && f.Data == nil:
		return Payload{}, fail(channel.Rejected, "content", errors.New("no title, text or markdown, and no data in extra"))
	case !safe(f.URL):
		return Payload{}, fail(channel.Rejected, "content.url", errors.New("is no URL to follow"))
	}
	p := f.Payload()
	if err := h.check(p); err != nil {
		err.Field = "content"
		return Payload{}, err
	}
	return p, nil
}

// safe reports whether a page may make s a link: a script is none.
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
