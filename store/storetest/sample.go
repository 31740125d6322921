package storetest

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// The lanes that most rules use.
const (
	mail store.Lane = "email/otp"
	text store.Lane = "sms/otp"
	chat store.Lane = "dingtalk/transactional"
)

// The settled statuses.
var settled = []store.Status{store.Sent, store.Delivered, store.Read, store.Failed, store.Unknown, store.Suppressed, store.Canceled, store.Expired}

// lastID is the number in the last id of newID. It starts from the time.
var lastID atomic.Int64

// newID returns a UUIDv7 that is greater than all earlier ones.
func newID() string {
	lastID.CompareAndSwap(0, time.Now().UnixMilli()<<12)
	n := lastID.Add(1)
	return fmt.Sprintf("%08x-%04x-7%03x-8000-%012x", n>>28, n>>12&0xffff, n&0xfff, time.Now().UnixNano()&0xffffffffffff)
}

// message returns a message with deliveries.
func message(ds ...store.NewDelivery) store.NewMessage {
	return store.NewMessage{
		Message: store.Message{ID: newID(), Tenant: "shop", Dispatcher: "all", Category: "orders", Class: "otp", Template: "order.shipped",
			Body: []byte(`{"content":{}}`)},
		Request:    []byte{1, 2, 3},
		Deliveries: ds,
	}
}

// to returns a delivery that is due at once.
func to(recipient, place int, lane store.Lane) store.NewDelivery {
	return store.NewDelivery{Recipient: recipient, Place: place, Lane: lane, User: fmt.Sprintf("user-%d", recipient), To: "ann@example.com",
		Locale: "en", Status: store.Accepted}
}

// letter returns a message with one delivery, in the lane mail.
func letter() store.NewMessage { return message(to(0, 0, mail)) }

// group returns a message to one recipient, with one Grouped delivery in each lane.
func group(lanes ...store.Lane) store.NewMessage {
	m := message()
	for place, lane := range lanes {
		d := to(0, place, lane)
		d.Grouped = true
		m.Deliveries = append(m.Deliveries, d)
	}
	return m
}

// ref returns the DeliveryRef of a delivery of m, without a Claim.
func ref(m store.NewMessage, recipient, place int) store.DeliveryRef {
	return store.DeliveryRef{MessageID: m.ID, Recipient: recipient, Place: place}
}

// planned returns the expected Delivery for an accepted n, without the values that the store chooses.
func planned(m store.NewMessage, n store.NewDelivery) store.Delivery {
	return store.Delivery{DeliveryRef: ref(m, n.Recipient, n.Place), Message: &m.Message, Lane: n.Lane, User: n.User, To: n.To, Locale: n.Locale,
		Grouped: n.Grouped, Body: n.Body, Status: n.Status, Reason: n.Reason, NotBefore: n.NotBefore, Failure: n.Failure}
}

// timeless returns d without the values that the store chooses.
func timeless(d store.Delivery) store.Delivery {
	if d.Message != nil {
		head := *d.Message
		head.AcceptedAt = time.Time{}
		d.Message = &head
	}
	d.At, d.Due, d.Claim = time.Time{}, time.Time{}, 0
	return d
}

// ends returns a settlement of l without an attempt.
func ends(l store.Leased, status store.Status, reason store.Reason) store.Settlement {
	return store.Settlement{DeliveryRef: l.DeliveryRef, Status: status, Reason: reason, Wakes: l.Wakes, Attempts: l.Attempts, Spent: l.Spent,
		Doubt: l.Doubt, Duplicate: l.Duplicate, Failure: l.Failure}
}

// waits returns a settlement of l that is held until due.
func waits(l store.Leased, due time.Time) store.Settlement {
	s := ends(l, store.Held, "waiting")
	s.Due = due
	return s
}

// called returns a settlement of l with an attempt that the provider accepted under an id.
func called(l store.Leased, providerID string) store.Settlement {
	s := ends(l, store.Sent, "")
	s.Attempts, s.Spent = l.Attempts+1, l.Spent+1
	s.Attempt = &store.Attempt{At: instant(2026, 3), Took: 1500 * time.Microsecond, Status: store.Sent, Provider: "postman", ProviderID: providerID}
	return s
}

// fault returns a failure with all fields set.
func fault() *store.Failure {
	return &store.Failure{Kind: channel.Temporary, Field: "content.text", Code: "E-17 \"ü\"", RetryAfter: "1m0s", Text: "später, 稍后 🚚"}
}

// instant returns a time in the given month, with microseconds.
func instant(year, month int) time.Time {
	return time.Date(year, time.Month(month), 4, 5, 6, 7, 123456000, time.UTC)
}
