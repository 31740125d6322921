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

// What is noted in the ledger.
const (
	sending  = "sending"  // by a sender: a message's name, before Send
	accepted = "accepted" // the name, after Send, with the message's id
	maybe    = "maybe"    // the name, after an error that leaves it open
	claimed  = "claimed"  // by a worker: a delivery, with the claim; the time is from before the claim
	called   = "called"   // by a provider: it took a delivery, with the address
	asked    = "asked"    // by a provider: it is called
	receipt  = "receipt"  // by the postman: a delivery, with what was received; the time is from after it
	held     = "held"     // by a worker: a delivery that it settled as one to be looked at again, with the claim
	shaken   = "shaken"   // by the test: from now on connections and servers are broken, too
	ended    = "ended"    // by the test: a process is no more
	down     = "down"     // the server
	up       = "up"
)

// worker runs the engine until it is stopped or killed.
func worker(ctx context.Context) error {
	b, err := newBench("worker")
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

// A provider takes everything, and notes it.
type provider struct{ *bench }

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

// claims notes each claim.
type claims struct {
	store.Deliveries
	ledger *faulttest.Ledger
}

func (c *claims) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	before := time.Now()
	ls, err := c.Deliveries.LeaseDeliveries(ctx, r)
	var es []faulttest.Entry
	for _, d := range ls.Deliveries {
		es = append(es, faulttest.Entry{At: before, Kind: claimed, ID: idOf(d.DeliveryRef), Text: fmt.Sprint(d.Claim)})
	}
	if len(es) == 0 {
		return ls, err
	}
	if failed := c.ledger.Note(es...); failed != nil {
		return store.Leases{}, failed
	}
	return ls, err
}

// idOf returns what drivers know a delivery by.
func idOf(ref store.DeliveryRef) string {
	return fmt.Sprintf("%s-%d-%d", ref.MessageID, ref.Recipient, ref.Place)
}

func (c *claims) SettleDeliveries(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
	lost, err := c.Deliveries.SettleDeliveries(ctx, ss)
	var es []faulttest.Entry
	for _, s := range ss {
		if !s.Status.Settled() {
			es = append(es, faulttest.Entry{Kind: held, ID: idOf(s.DeliveryRef), Text: fmt.Sprint(s.Claim)})
		}
	}
	if len(es) > 0 {
		if failed := c.ledger.Note(es...); failed != nil {
			return nil, failed
		}
	}
	return lost, err
}
