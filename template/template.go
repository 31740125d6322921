// Package template turns a template's key and data into the content of one delivery. [Renderer] is the port that notify asks;
// [Set] renders the text/template files of an fs.FS.
package template

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/e7ddda3c/notify/channel"
)

// A Renderer renders templates. Render may be called by many goroutines at once, returns soon after ctx is done, and does not
// change the Request's data, which the deliveries of one message share.
//
// An error that wraps [ErrNoTemplate] refuses the whole message; any other fails the one delivery.
type Renderer interface {
	Render(ctx context.Context, r Request) (Rendered, error)
}

// A Request asks for a template in the form for one channel and one locale.
type Request struct {
	Tenant   string
	Key      string // the template's name, such as "order.shipped"
	Channel  string // the host's name for the channel
	Locale   string // BCP 47; "" for the default
	TimeZone string // IANA name; "" for UTC
	// Data and Recipient are decoded JSON, as [Decode] returns it. They are decoded once per message, and once per recipient.
	Data, Recipient any
}

// Rendered is what became of a [Request].
type Rendered struct {
	Content channel.Content
	Extra   json.RawMessage // the driver's own settings, or nil
}

var (
	// ErrNoTemplate says that there is no template under the key.
	ErrNoTemplate = errors.New("template: no such template")
	// ErrNoVariant says that the template has no form for this channel and locale.
	ErrNoVariant = errors.New("template: no variant for this channel and locale")
)
