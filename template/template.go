// Package template renders templates into the content of deliveries. [Renderer] is the port that notify calls. [Set] implements the
// port with the text/template files of an fs.FS.
package template

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/e7ddda3c/notify/channel"
)

// A Renderer renders templates. Render must be safe for concurrent use and must return soon after ctx is done. It must not modify
// Data and Recipient of the Request, because the deliveries of one message share them.
//
// An error that wraps [ErrNoTemplate] refuses the whole message. Any other error fails one delivery.
type Renderer interface {
	Render(ctx context.Context, r Request) (Rendered, error)
}

// A Request asks for the content of one delivery.
type Request struct {
	Tenant   string
	Key      string // the template's name, such as "order.shipped"
	Channel  string // the host's name for the channel
	Locale   string // BCP 47; "" for the default
	TimeZone string // IANA name; "" for UTC
	// Data and Recipient are decoded JSON in the form of [Decode]. notify decodes Data once per message and Recipient once per
	// recipient.
	Data, Recipient any
}

// Rendered is the result of a [Request].
type Rendered struct {
	Content channel.Content
	Extra   json.RawMessage // the driver's own settings, or nil
}

var (
	// ErrNoTemplate means that no template has the requested key.
	ErrNoTemplate = errors.New("template: unknown template")
	// ErrNoVariant means that the template has no variant for the requested channel and locale.
	ErrNoVariant = errors.New("template: no variant for this channel and locale")
)
