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

// settled are the statuses of what is not tried again.
var settled = []store.Status{store.Sent, store.Delivered, store.Read, store.Failed, store.Unknown, store.Suppressed, store.Canceled, store.Expired}

// drawn counts the ids, beginning with the time.
var drawn atomic.Int64

// newID returns a UUIDv7 that is greater than all before.
func newID() string {
	drawn.CompareAndSwap(0, time.Now().UnixMilli()<<12)
	n := drawn.Add(1)
	return fmt.Sprintf("%08x-%04x-7%03x-8000-%012x", n>>28, n>>12&0xffff, n&0xfff, time.Now().UnixNano()&0xffffffffffff)
}

// message makes one with deliveries.
func message(ds ...store.NewDelivery) store.NewMessage {
	return store.NewMessage{
		Message: store.Message{ID: newID(), Tenant: "shop", Dispatcher: "all", Category: "orders", Class: "otp", Template: "order.shipped",
			Body: []byte(`{"content":{}}`)},
		Request:    []byte{1, 2, 3},
		Deliveries: ds,
	}
}

// to makes a delivery that is due at once.
func to(recipient, place int, lane store.Lane) store.NewDelivery {
	return store.NewDelivery{Recipient: recipient, Place: place, Lane: lane, User: fmt.Sprintf("user-%d", recipient), To: "ann@example.com",
		Locale: "en", Status: store.Accepted}
}

// letter makes a message with one delivery by mail.
func letter() store.NewMessage { return message(to(0, 0, mail)) }

// group makes a message with one grouped delivery in each lane, to one recipient.
func group(lanes ...store.Lane) store.NewMessage {
	m := message()
	for place, lane := range lanes {
		d := to(0, place, lane)
		d.Grouped = true
		m.Deliveries = append(m.Deliveries, d)
	}
	return m
}

// ref names a delivery of a message.
func ref(m store.NewMessage, recipient, place int) store.DeliveryRef {
	return store.DeliveryRef{MessageID: m.ID, Recipient: recipient, Place: place}
}

// planned is what a store makes of a delivery when it accepts it. What only the store knows is left out.
func planned(m store.NewMessage, n store.NewDelivery) store.Delivery {
	return store.Delivery{DeliveryRef: ref(m, n.Recipient, n.Place), Message: &m.Message, Lane: n.Lane, User: n.User, To: n.To, Locale: n.Locale,
		Grouped: n.Grouped, Body: n.Body, Status: n.Status, Reason: n.Reason, NotBefore: n.NotBefore, Failure: n.Failure}
}

// timeless is d without what only the store knows.
func timeless(d store.Delivery) store.Delivery {
	if d.Message != nil {
		head := *d.Message
		head.AcceptedAt = time.Time{}
		d.Message = &head
	}
	d.At, d.Due, d.Claim = time.Time{}, time.Time{}, 0
	return d
}

// ends makes a settlement of l that ends it.
func ends(l store.Leased, status store.Status, reason store.Reason) store.Settlement {
	return store.Settlement{DeliveryRef: l.DeliveryRef, Status: status, Reason: reason, Wakes: l.Wakes, Attempts: l.Attempts, Spent: l.Spent,
		Doubt: l.Doubt, Duplicate: l.Duplicate, Failure: l.Failure}
}

// waits makes a settlement of l that looks again later.
func waits(l store.Leased, due time.Time) store.Settlement {
	s := ends(l, store.Held, "waiting")
	s.Due = due
	return s
}

// called makes a settlement of l with an attempt that the provider took, under an id.
func called(l store.Leased, providerID string) store.Settlement {
	s := ends(l, store.Sent, "")
	s.Attempts, s.Spent = l.Attempts+1, l.Spent+1
	s.Attempt = &store.Attempt{At: instant(2026, 3), Took: 1500 * time.Microsecond, Status: store.Sent, Provider: "postman", ProviderID: providerID}
	return s
}

// fault is a failure with all that one can have.
func fault() *store.Failure {
	return &store.Failure{Kind: channel.Temporary, Field: "content.text", Code: "E-17 \"ü\"", RetryAfter: "1m0s", Text: "später, 稍后 🚚"}
}

// instant is a time with microseconds.
func instant(year, month int) time.Time {
	return time.Date(year, time.Month(month), 4, 5, 6, 7, 123456000, time.UTC)
}
