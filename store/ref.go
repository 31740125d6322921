package store

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// A DeliveryRef identifies a delivery by the message, the recipient's number in the message, and the place among the recipient's
// deliveries. Numbers and places count from 0. The Claim fences a write. A ref without Claim only identifies the delivery.
type DeliveryRef struct {
	MessageID        string
	Recipient, Place int
	Claim            int64
}

// ID returns the id of the delivery for drivers, reports and receipts: "<message>-<recipient>-<place>", without the Claim.
func (r DeliveryRef) ID() string {
	return r.MessageID + "-" + strconv.Itoa(r.Recipient) + "-" + strconv.Itoa(r.Place)
}

// ParseDeliveryID parses an id in the form of [DeliveryRef.ID]. For any other text, ok is false.
func ParseDeliveryID(id string) (ref DeliveryRef, ok bool) {
	if len(id) < messageIDLen {
		return DeliveryRef{}, false
	}
	r := DeliveryRef{MessageID: id[:messageIDLen]}
	recipient, place, _ := strings.Cut(strings.TrimPrefix(id[messageIDLen:], "-"), "-")
	var errs [2]error
	r.Recipient, errs[0] = strconv.Atoi(recipient)
	r.Place, errs[1] = strconv.Atoi(place)
	if errors.Join(errs[:]...) != nil || !IsMessageID(r.MessageID) || !isIndex(r.Recipient) || !isIndex(r.Place) || r.ID() != id {
		return DeliveryRef{}, false
	}
	return r, true
}

// isIndex reports whether n can be the number of a recipient or a place: stores keep them as 32-bit integers.
func isIndex(n int) bool { return n >= 0 && n <= math.MaxInt32 }

const messageIDLen = 36

// IsMessageID reports whether id has the form of a message's id: a UUID in lower case. No store holds a message with another id.
func IsMessageID(id string) bool {
	if len(id) != messageIDLen {
		return false
	}
	for i := range len(id) {
		c, dash := id[i], i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// NewMessageID returns a UUIDv7: 48 bits of time, 74 random ones. The id is no secret. The usual libraries bring the interfaces of database drivers into
// every program, and a lock to number the ids within a millisecond, which no caller needs.
func NewMessageID(now time.Time) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(now.UnixMilli())<<16|rand.Uint64()&0x0fff|7<<12)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()>>2|2<<62)
	text := hex.AppendEncode(make([]byte, 0, 36), id[:4])
	for i := 4; i < 10; i += 2 {
		text = hex.AppendEncode(append(text, '-'), id[i:i+2])
	}
	return string(hex.AppendEncode(append(text, '-'), id[10:]))
}
