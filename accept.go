package notify

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// An acceptFunc gives a message to a store.
type acceptFunc func(context.Context, store.NewMessage) (store.Acceptance, error)

// accept plans m, gives it to a store and reports what came of that.
func (n *Notifier) accept(ctx context.Context, m Message, give acceptFunc) (Report, error) {
	m.fill(time.Now())
	p, err := n.plan(ctx, m)
	if err == nil {
		err = ended(ctx) // what is not rendered must not be stored
	}
	if err != nil {
		return Report{}, err
	}
	hash, err := hashOf(m)
	if err != nil {
		return Report{}, fault("key", err)
	}
	r, err := p.record(&m, hash)
	if err != nil {
		return Report{}, err
	}
	a, err := give(ctx, r)
	switch {
	case err != nil:
		return Report{}, err
	case a.First != nil && a.Differs:
		return Report{}, fault("key", ErrKeyReused)
	case a.First != nil:
		first := n.reportOf(*a.First)
		first.Repeated = true
		return first, nil
	}
	report := n.accepted(&p, &r)
	n.announce(&r, report)
	return report, nil
}

// ended returns the error of a ctx that has ended before anything was accepted.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("notify: nothing was accepted: %w", endOf(ctx))
}

// endOf returns ctx's error with its cause.
func endOf(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

// hashOf tells messages with the same Key apart: by what the host asked for, without the times that it may compute anew.
func hashOf(m Message) ([]byte, error) {
	if m.Key == "" {
		return nil, nil
	}
	m.Key, m.SendAt, m.ExpireAt = "", time.Time{}, time.Time{}
	b, err := toJSON(m)
	if err != nil {
		return nil, fmt.Errorf("the message has no JSON to know it by: %w", err)
	}
	hash := sha256.Sum256(b)
	return hash[:], nil
}

// accepted returns the report of what has just been stored. Unlike one that is read back, its errors have their causes.
func (n *Notifier) accepted(p *plan, r *store.NewMessage) Report {
	rec := store.MessageRecord{Message: r.Message, Deliveries: make([]store.Delivery, len(r.Deliveries))}
	now := micros(time.Now())
	for i, d := range r.Deliveries {
		rec.Deliveries[i] = store.Delivery{
			DeliveryRef: store.DeliveryRef{MessageID: r.ID, Recipient: d.Recipient, Rank: d.Rank},
			Lane:        d.Lane, User: d.User, To: d.To, Status: d.Status, Reason: d.Reason, At: now, Due: d.NotBefore,
		}
	}
	report := n.reportOf(rec)
	i := 0
	for g := range p.groups {
		for _, d := range p.groups[g].ds {
			if d.fault != nil {
				report.Deliveries[i].Err = classify(d.fault)
			}
			i++
		}
	}
	return report
}

// announce tells the host and the engine of a message that has just been stored.
func (n *Notifier) announce(r *store.NewMessage, report Report) {
	var due []store.Lane
	for i, d := range r.Deliveries {
		n.announceOne(r, &d, report.Deliveries[i])
		if d.Status == Accepted && !slices.Contains(due, d.Lane) {
			due = append(due, d.Lane)
		}
	}
	if len(due) > 0 {
		n.wake(due...)
		n.unclaimed.watch(n, r.ID)
	}
}

func (n *Notifier) announceOne(r *store.NewMessage, d *store.NewDelivery, o Outcome) {
	if n.onTransition != nil {
		t := Transition{
			Event: TransitionAccepted, Delivery: o.ID, Tenant: r.Tenant, Channel: o.Channel, Class: Class(r.Class),
			Status: o.Status, Reason: o.Reason, Kind: kindOf(classify(o.Err)),
		}
		n.tell(t)
		if d.Status.Settled() {
			t.Event = TransitionSettled
			n.tell(t)
		}
	}
	if n.onOutcome != nil && d.Status.Settled() {
		_ = n.guard("OnOutcome", func() { n.onOutcome(o) })
	}
}
