package store

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// A DeliveryRef names a delivery: the message, the recipient's number in it, the place among the recipient's deliveries. The claim
// fences it: of 0, it names the delivery only.
type DeliveryRef struct {
	MessageID        string
	Recipient, Place int
	Claim            int64
}

// ID returns the name of the delivery for drivers, reports and receipts, "<message>-<recipient>-<place>". The claim is left out.
func (r DeliveryRef) ID() string {
	return r.MessageID + "-" + strconv.Itoa(r.Recipient) + "-" + strconv.Itoa(r.Place)
}

// ParseDeliveryID reads what [DeliveryRef.ID] wrote, and nothing else.
func ParseDeliveryID(id string) (DeliveryRef, bool) {
	if len(id) < messageIDLen {
		return DeliveryRef{}, false
	}
	r := DeliveryRef{MessageID: id[:messageIDLen]}
	recipient, place, _ := strings.Cut(strings.TrimPrefix(id[messageIDLen:], "-"), "-")
	var errs [2]error
	r.Recipient, errs[0] = strconv.Atoi(recipient)
	r.Place, errs[1] = strconv.Atoi(place)
	if errors.Join(errs[:]...) != nil || !IsMessageID(r.MessageID) || !isPlace(r.Recipient) || !isPlace(r.Place) || r.ID() != id {
		return DeliveryRef{}, false
	}
	return r, true
}

// isPlace reports whether n is the number of something in a message, as far as stores count.
func isPlace(n int) bool { return n >= 0 && n <= math.MaxInt32 }

const messageIDLen = 36

// IsMessageID reports whether id has the form of a message's id: a UUID in small letters. Stores need not be asked for anything else.
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
