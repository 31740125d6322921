package websocket

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A FrameType says what a page does with a [Frame].
type FrameType string

// The types of [Frame]. A page ignores those that it does not know.
const (
	Message FrameType = "message" // a message to show within the page
	Desktop FrameType = "desktop" // a message to show outside of the page too, as a desktop notification
	Count   FrameType = "count"   // the latest unread numbers, in Data
)

// A Frame is what the hub makes of a delivery, and what a page understands without knowing the application. Its JSON, which also
// says "v": 1, is a text message:
//
//	{"v": 1, "type": "message", "id": "…", "title": "…", "text": "…", "url": "…", "data": …}
//
// Everything but v and type may be missing.
type Frame struct {
	Type  FrameType       `json:"type"`            // "" is [Message]
	ID    string          `json:"id,omitempty"`    // the same when a message comes twice
	Title string          `json:"title,omitempty"` // plain text
	Text  string          `json:"text,omitempty"`  // plain text, never to be used as HTML
	URL   string          `json:"url,omitempty"`   // where a click leads
	Data  json.RawMessage `json:"data,omitempty"`  // the application's own
}

// version is the format's version, which every frame states.
const version = 1

type frameJSON struct {
	V int `json:"v"`
	bareFrame
}

type bareFrame Frame // without methods

// Payload encodes f.
func (f Frame) Payload() Payload {
	b, err := f.encode()
	if err != nil {
		return Payload{err: err}
	}
	return textPayload(b)
}

// MarshalJSON writes f with its version. A type that is none of the constants is an error.
func (f Frame) MarshalJSON() ([]byte, error) {
	b, err := f.encode()
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	return b, nil
}

func (f Frame) encode() ([]byte, error) {
	switch f.Type {
	case "":
		f.Type = Message
	case Message, Desktop, Count:
	default:
		return nil, errors.New("unknown type of frame")
	}
	if len(f.Data) > 0 && !json.Valid(f.Data) {
		return nil, errors.New("a frame's data is not JSON")
	}
	return encode(frameJSON{version, bareFrame(f)})
}

// UnmarshalJSON reads a frame. Unknown fields and types are no error, as later servers may have more of them; another version is.
func (f *Frame) UnmarshalJSON(b []byte) error {
	var in frameJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return fmt.Errorf("websocket: %w", err)
	}
	if in.V != version {
		return fmt.Errorf("websocket: frame of version %d, not %d", in.V, version)
	}
	*f = Frame(in.bareFrame)
	return nil
}
