package websocket

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A FrameType tells a page how to handle a [Frame].
type FrameType string

// The types of [Frame]. A page should ignore unknown types.
const (
	Message FrameType = "message" // a message to show within the page
	Desktop FrameType = "desktop" // a message to show as a desktop notification as well
	Count   FrameType = "count"   // the latest unread counts, in Data
)

// A Frame is the form in which the hub sends a delivery. Its format is the same for all applications, so that a page can show every
// frame. A frame is sent as a text message of JSON, with "v" for the version of the format:
//
//	{"v": 1, "type": "message", "id": "…", "title": "…", "text": "…", "url": "…", "data": …}
//
// All fields but v and type may be absent.
type Frame struct {
	Type  FrameType       `json:"type"`            // "" is [Message]
	ID    string          `json:"id,omitempty"`    // the delivery's ID, equal in duplicates
	Title string          `json:"title,omitempty"` // plain text
	Text  string          `json:"text,omitempty"`  // plain text, which must not be inserted as HTML
	URL   string          `json:"url,omitempty"`   // the target of a click
	Data  json.RawMessage `json:"data,omitempty"`  // the application's own data
}

// version is the current version of the format.
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

// MarshalJSON encodes f with the version. A type other than the constants is an error.
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
		return nil, errors.New("frame type must be message, desktop or count")
	}
	if len(f.Data) > 0 && !json.Valid(f.Data) {
		return nil, errors.New("frame data must be JSON")
	}
	return encode(frameJSON{version, bareFrame(f)})
}

// UnmarshalJSON decodes a frame. Unknown fields and types are accepted, because later servers may add some. A different version is
// an error.
func (f *Frame) UnmarshalJSON(b []byte) error {
	var in frameJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return fmt.Errorf("websocket: %w", err)
	}
	if in.V != version {
		return fmt.Errorf("websocket: frame version must be %d, not %d", version, in.V)
	}
	*f = Frame(in.bareFrame)
	return nil
}
