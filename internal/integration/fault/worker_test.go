package fault_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store"
)

// The kinds of entries in the ledger. A comment gives the writer, the ID and the Text.
const (
	sending   = "sending"   // by a sender, before Send: a message's name
	accepted  = "accepted"  // by a sender, after Send: a message's name; the message's id
	maybe     = "maybe"     // by a sender, after an error that leaves the result open: a message's name; the error
	claimed   = "claimed"   // by a worker: a delivery; the claim. The time is that before the claim
	called    = "called"    // by a provider that took a delivery: the delivery; the address
	asked     = "asked"     // by a provider, at the start of a call: the delivery; the address
	receipt   = "receipt"   // by the postman, after Receive: a delivery; the address
	held      = "held"      // by a worker that settled a delivery as still live: the delivery; the claim
	disrupted = "disrupted" // by the test: connections and servers fail, too, from now on
	ended     = "ended"     // by the test: the id of a process that has ended
	down      = "down"      // by the test: the server is down
	up        = "up"        // by the test: the server is up again
)

// worker runs the engine until it is stopped or killed.
func worker(ctx context.Context) error {
	b, err := newChild("worker")
	if err != nil {
		return err
	}
	config := notify.Config{
		Store: b.watched(), Logger: b.log, Engine: notify.Engine{Lease: b.Lease},
		Channels: notify.Channels{"line": &provider{b}},
	}
	if b.Groups {
		b.groups(&config)
	}
	n, err := notify.New(config)
	if err != nil {
		return err
	}
	return n.Run(ctx)
}

// A provider accepts and notes every delivery.
type provider struct{ *child }

func (p *provider) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	p.bomb.At("call before")
	if !pause(ctx, rand.N(5*time.Millisecond)) {
		return channel.Receipt{}, ctx.Err()
	}
	if err := p.ledger.Note(faulttest.Entry{Kind: called, ID: d.ID, Text: d.To}); err != nil {
		return channel.Receipt{}, err
	}
	p.bomb.At("call after")
	return channel.Receipt{Provider: "line", ID: "line-" + d.ID}, nil
}

// claims notes each claim, and each settlement that leaves a delivery live.
type claims struct {
	store.Deliveries
	ledger *faulttest.Ledger
}

func (c *claims) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	before := time.Now()
	ls, err := c.Deliveries.LeaseDeliveries(ctx, r)
	var es []faulttest.Entry
	for _, d := range ls.Deliveries {
		es = append(es, faulttest.Entry{At: before, Kind: claimed, ID: d.DeliveryRef.ID(), Text: fmt.Sprint(d.Claim)})
	}
	if len(es) == 0 {
		return ls, err
	}
	if failed := c.ledger.Note(es...); failed != nil {
		return store.Leases{}, failed
	}
	return ls, err
}

func (c *claims) SettleDeliveries(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
	lost, err := c.Deliveries.SettleDeliveries(ctx, ss)
	var es []faulttest.Entry
	for _, s := range ss {
		if !s.Status.Settled() {
			es = append(es, faulttest.Entry{Kind: held, ID: s.DeliveryRef.ID(), Text: fmt.Sprint(s.Claim)})
		}
	}
	if len(es) > 0 {
		if failed := c.ledger.Note(es...); failed != nil {
			return nil, failed
		}
	}
	return lost, err
}
