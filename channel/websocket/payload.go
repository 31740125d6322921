package websocket

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// A Payload is one WebSocket message, encoded once and shared by every connection that it goes to. It can be pushed any number of
// times, by many goroutines at once. A Payload that could not be encoded carries its fault, and the push returns it.
type Payload struct {
	frame []byte // header and body as they go over the wire; never changed
	err   error
}

// Text is a text message as it stands. It must be valid UTF-8.
func Text(s string) Payload { return textPayload([]byte(s)) }

// JSON is a text message that holds v as [json.Marshal] writes it, but with <, > and & unescaped.
func JSON(v any) Payload {
	b, err := encode(v)
	if err != nil {
		return Payload{err: err}
	}
	return textPayload(b)
}

// Bytes is a binary message. It keeps no reference to b.
func Bytes(b []byte) Payload { return Payload{frame: wire(opBinary, b)} }

var errEmpty = errors.New("the zero Payload is no message")

// fault says why p cannot be sent, if it cannot.
func (p Payload) fault() error {
	if p.err == nil && p.frame == nil {
		return errEmpty
	}
	return p.err
}

func textPayload(b []byte) Payload {
	if !utf8.Valid(b) {
		return Payload{err: errors.New("a text message must be valid UTF-8")}
	}
	return Payload{frame: wire(opText, b)}
}

// encode is json.Marshal without its escapes for HTML. Its errors repeat no part of v.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("a %T cannot be written as JSON", v)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Opcodes of RFC 6455, section 5.2.
const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
)

// wire writes a whole, unmasked frame: what a server sends, and the same for every client.
func wire(op byte, body []byte) []byte {
	b := make([]byte, 0, 10+len(body))
	b = append(b, 0x80|op)
	switch n := len(body); {
	case n < 126:
		b = append(b, byte(n))
	case n <= math.MaxUint16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
	}
	return append(b, body...)
}
