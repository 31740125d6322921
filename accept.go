package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/template"
)

// An acceptFunc gives a message to a store. late is the error if it expires before it can go out and its Key is new.
type acceptFunc func(ctx context.Context, m store.NewMessage, late error) (store.Acceptance, error)

// accept plans m, gives it to a store and reports what came of that, and which lanes have something due.
func (n *Notifier) accept(ctx context.Context, m Message, give acceptFunc) (r Report, due []store.Lane, err error) {
	m.fill(time.Now())
	p, err := n.plan(ctx, m)
	if err == nil {
		err = ended(ctx) // what is not rendered must not be stored
	}
	if err != nil {
		return Report{}, nil, err
	}
	request, err := requestOf(m)
	if err != nil {
		return Report{}, nil, fault("key", err)
	}
	rec, err := p.record(&m, request)
	if err != nil {
		return Report{}, nil, err
	}
	a, err := give(ctx, rec, checkExpiry(&m))
	switch {
	case err != nil:
		return Report{}, nil, err
	case a.First != nil && a.Differs:
		return Report{}, nil, fault("key", ErrKeyReused)
	case a.First != nil:
		r = n.reportOf(*a.First)
		r.Repeated = true
		return r, nil, nil
	}
	r = n.accepted(&p, &rec)
	return r, n.announce(&rec, r), nil
}

// checkLate refuses m if it is late and its Key is new. Sent again, however late, it gets the report of the first: if that is pruned
// in between, m is stored, and Run ends it as expired.
func (n *Notifier) checkLate(ctx context.Context, m *store.Message, late error) error {
	if late == nil || m.Key == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	page, err := n.list(ctx, store.MessageQuery{Filter: store.Filter{Tenant: m.Tenant, Key: m.Key}, Limit: 1})
	switch {
	case err != nil:
		return err
	case len(page.Messages) == 0:
		return late
	}
	return nil
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

// requestOf tells messages with the same Key apart: what the host asked for, without the times that it may compute anew, whatever its
// types are, and the order of their fields: the program that sends a message again may be a later one, or have read it from somewhere.
func requestOf(m Message) ([]byte, error) {
	if m.Key == "" {
		return nil, nil
	}
	m.Key, m.SendAt, m.ExpireAt = "", time.Time{}, time.Time{}
	m.Dispatcher = cmp.Or(m.Dispatcher, "all")
	files := m.Attachments
	m.Attachments = nil // they may be large, and are what they are
	plain, err := template.Decode(m)
	if err != nil {
		return nil, fmt.Errorf("the message has no JSON to know it by: %w", err)
	}
	request := []any{plain}
	for _, f := range files {
		request = append(request, f)
	}
	return toJSON(request)
}

// accepted returns the report of what has just been stored. Unlike one that is read back, its errors have their causes.
func (n *Notifier) accepted(p *plan, r *store.NewMessage) Report {
	rec := store.MessageRecord{Message: r.Message, Deliveries: make([]store.Delivery, len(r.Deliveries))}
	now := micros(time.Now())
	for i, d := range r.Deliveries {
		rec.Deliveries[i] = store.Delivery{
			DeliveryRef: store.DeliveryRef{MessageID: r.ID, Recipient: d.Recipient, Place: d.Place},
			Lane:        d.Lane, User: d.User, To: d.To, Status: d.Status, Reason: d.Reason, At: now, Due: d.NotBefore,
			Failure: d.Failure,
		}
	}
	report := n.reportOf(rec)
	i := 0
	for g := range p.groups {
		for j := range p.groups[g].ds {
			if fault := p.groups[g].ds[j].fault; fault != nil {
				report.Deliveries[i].Err = classify(fault)
			}
			i++
		}
	}
	return report
}

// announce tells the host of a message that has just been stored, and returns the lanes in which something of it is due.
func (n *Notifier) announce(r *store.NewMessage, report Report) (due []store.Lane) {
	for i, d := range r.Deliveries {
		n.announceOne(r, &d, report.Deliveries[i])
		if d.Status == Accepted && !slices.Contains(due, d.Lane) {
			due = append(due, d.Lane)
		}
	}
	if len(due) > 0 {
		n.unclaimed.watch(n, r.ID)
	}
	return due
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
