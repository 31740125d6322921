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

// A Payload is one WebSocket message, encoded once and shared by all connections that it is sent to. A Payload can be pushed any
// number of times and is safe for concurrent use. If the encoding failed, a push of the Payload returns the error.
type Payload struct {
	frame []byte // header and body as sent over the wire; never modified
	err   error
}

// Text returns a text message. s must be valid UTF-8.
func Text(s string) Payload { return textPayload([]byte(s)) }

// JSON returns a text message that holds v, encoded as by [json.Marshal] but with <, > and & unescaped.
func JSON(v any) Payload {
	b, err := encode(v)
	if err != nil {
		return Payload{err: err}
	}
	return textPayload(b)
}

// Bytes returns a binary message that holds a copy of b.
func Bytes(b []byte) Payload { return Payload{frame: wire(opBinary, b)} }

var errEmpty = errors.New("the payload must not be the zero Payload")

// fault returns the reason that p cannot be sent, or nil.
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

// encode is json.Marshal without HTML escaping. Its errors contain no part of v.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("cannot encode a %T as JSON", v)
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

// wire returns an unmasked, unfragmented frame. A server's frame has no mask, so the same bytes go to every client.
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
