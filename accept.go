package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/internal/engine"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/template"
)

// accept plans and stores m, in the host's transaction unless tx is nil, and returns the report and the lanes that have due deliveries.
func (n *Notifier) accept(ctx context.Context, m Message, tx store.Accepter) (r Report, due []store.Lane, err error) {
	p, err := n.planner.plan(ctx, m)
	if err == nil && ctx.Err() != nil { // some deliveries may not have been rendered
		err = fmt.Errorf("notify: nothing was accepted: %w", engine.EndOf(ctx))
	}
	if err != nil {
		return Report{}, nil, err
	}
	request, err := requestOf(p.message)
	if err != nil {
		return Report{}, nil, fault("key", err)
	}
	rec, err := n.planner.encode(&p, request)
	if err != nil {
		return Report{}, nil, err
	}
	late := checkExpiry(&p.message) // with a new Key, or in a transaction
	var a store.Acceptance
	switch {
	case tx == nil:
		if err = n.checkLate(ctx, &rec.Message, late); err == nil {
			a, err = n.engine.Accept(ctx, rec)
		}
	case late != nil:
		err = late
	default:
		a, err = n.engine.AcceptIn(ctx, tx, rec)
	}
	switch {
	case err != nil:
		return Report{}, nil, err
	case a.First != nil && a.Differs:
		return Report{}, nil, fault("key", ErrKeyReused)
	case a.First != nil:
		r = n.reportOf(ctx, *a.First)
		r.Repeated = true
		return r, nil, nil
	}
	r = n.accepted(ctx, &p, &rec)
	return r, n.announceAccepted(&rec, r), nil
}

// checkLate refuses an expired m with a new Key. A repeated message gets the report of the first, however late. If the first is deleted in
// between, m is stored, and Run ends m as expired.
func (n *Notifier) checkLate(ctx context.Context, m *store.Message, late error) error {
	if late == nil || m.Key == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
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

// requestOf returns the part of m that is compared with other messages of the same Key: all fields except the times, which the host may compute
// anew. Go types and the order of their fields do not matter, because a later version of the program may repeat the message.
func requestOf(m Message) ([]byte, error) {
	if m.Key == "" {
		return nil, nil
	}
	m.Key, m.SendAt, m.ExpireAt = "", time.Time{}, time.Time{}
	m.Dispatcher = cmp.Or(m.Dispatcher, "all")
	files := m.Attachments
	m.Attachments = nil // excluded from the JSON: they may be large, and they have one form only
	plain, err := template.Decode(m)
	if err != nil {
		return nil, fmt.Errorf("the message must be encodable as JSON: %w", err)
	}
	request := []any{plain}
	for _, f := range files {
		request = append(request, f)
	}
	return toJSON(request)
}

// accepted returns the report of a message that has just been stored. Unlike those of a report from the store, its errors wrap their causes.
func (n *Notifier) accepted(ctx context.Context, p *plan, r *store.NewMessage) Report {
	rec := store.MessageRecord{Message: r.Message, Deliveries: make([]store.Delivery, len(r.Deliveries))}
	now := micros(time.Now())
	for i, d := range r.Deliveries {
		rec.Deliveries[i] = store.Delivery{
			DeliveryRef: store.DeliveryRef{MessageID: r.ID, Recipient: d.Recipient, Place: d.Place}, Message: &rec.Message,
			Lane: d.Lane, User: d.User, To: d.To, Status: d.Status, Reason: d.Reason, At: now, Due: d.NotBefore, Failure: d.Failure,
		}
	}
	report := n.reportOf(ctx, rec)
	i := 0
	for g := range p.groups {
		for j := range p.groups[g].Deliveries {
			if fault := p.groups[g].Deliveries[j].Fault; fault != nil {
				report.Deliveries[i].Err = fault
			}
			i++
		}
	}
	return report
}

// announceAccepted reports a message that has just been stored to the host, and returns the lanes of its due deliveries.
func (n *Notifier) announceAccepted(r *store.NewMessage, report Report) (due []store.Lane) {
	for i, d := range r.Deliveries {
		n.announce(TransitionAccepted, r.Tenant, Class(r.Class), report.Deliveries[i], 0)
		if d.Status.Settled() {
			n.announce(TransitionSettled, r.Tenant, Class(r.Class), report.Deliveries[i], 0)
		}
		if d.Status == Accepted && !slices.Contains(due, d.Lane) {
			due = append(due, d.Lane)
		}
	}
	if len(due) > 0 {
		n.unclaimed.watch(n, r.ID)
	}
	return due
}

// A Sender sends messages within a transaction of the host; see [Notifier.In].
type Sender struct {
	n  *Notifier
	in store.Accepter
}

// In returns a Sender that stores its messages through a, a transaction of the host in the Notifier's store. The messages are committed or
// rolled back together with the host's own rows. Call [Notifier.Wake] after the commit; otherwise the messages wait for the next poll of a
// Run. The Sender is valid as long as a is, and as safe for concurrent use. With a store st of sqlstore:
//
//	tx, err := db.BeginTx(ctx, nil)
//	…
//	defer tx.Rollback()
//	_, err = tx.ExecContext(ctx, "insert into orders …")
//	…
//	_, err = n.In(st.Tx(tx)).Send(ctx, notify.Message{Key: "order-7-paid", …})
//	…
//	err = tx.Commit()
//	…
//	n.Wake()
func (n *Notifier) In(a store.Accepter) Sender { return Sender{n, a} }

// Send is [Notifier.Send] within the transaction. After an error, roll back the transaction; it may be unusable. Send calls the database under
// ctx, without a further time limit, and calls OnOutcome and OnTransition before the host's commit. An expired message is refused even if its
// Key is known, because a lookup would require a second connection.
func (s Sender) Send(ctx context.Context, m Message) (Report, error) {
	switch {
	case s.n == nil || s.n.store == nil:
		return Report{}, fault("store", ErrNeedsStore)
	case isNil(s.in):
		return Report{}, fault("in", errors.New("is required"))
	case !s.n.engine.Enter():
		return Report{}, ErrClosed
	}
	defer s.n.engine.Leave()
	r, _, err := s.n.accept(ctx, m, s.in)
	return r, err
}
