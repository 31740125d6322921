package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/internal/engine"
	"github.com/e7ddda3c/notify/store"
)

// A sharedBody is the stored content that the deliveries of a message have in common.
type sharedBody struct {
	Content     Content                    `json:"content,omitzero"`
	Attachments []Attachment               `json:"attachments,omitempty"`
	Extra       map[string]json.RawMessage `json:"extra,omitempty"` // by channel name
}

// An ownBody is the stored content of one delivery. A delivery with a Fault can never be sent, even if it is replayed.
type ownBody struct {
	Content Content         `json:"content,omitzero"`
	Extra   json.RawMessage `json:"extra,omitempty"`
	Fault   *store.Failure  `json:"fault,omitempty"`
}

// encode returns the stored form of a plan. The request may be nil if the message has no Key.
func (p *planner) encode(pl *plan, request []byte) (store.NewMessage, error) {
	m := &pl.message
	body, err := toJSON(sharedBody{m.Content, m.Attachments, pl.extra})
	if err != nil {
		return store.NewMessage{}, err
	}
	r := store.NewMessage{
		Message: store.Message{
			ID: pl.id, Tenant: m.Tenant, Key: m.Key, Dispatcher: cmp.Or(m.Dispatcher, "all"), Category: m.Category, Class: string(m.Class),
			Template: m.Template, AtMostOnce: m.AtMostOnce, ExpireAt: m.ExpireAt, Body: body,
		},
		Request:    request,
		Deliveries: make([]store.NewDelivery, 0, pl.count),
	}
	now := time.Now()
	for i := range pl.groups {
		g := &pl.groups[i]
		for place := range g.Deliveries {
			d, err := p.encodeDelivery(pl, &g.Deliveries[place], now)
			if err != nil {
				return store.NewMessage{}, err
			}
			d.Recipient, d.Place, d.Grouped = g.Recipient, place, g.Grouped
			r.Deliveries = append(r.Deliveries, d)
		}
	}
	return r, nil
}

// encodeDelivery returns the stored form of d, without a place. A delivery with a fault is stored as failed.
func (p *planner) encodeDelivery(pl *plan, d *engine.Delivery, now time.Time) (store.NewDelivery, error) {
	m := &pl.message
	r := store.NewDelivery{
		Lane: store.LaneOf(d.Via.Name, d.Class), User: d.Recipient, To: store.Clean(d.To), Locale: store.Clean(d.Locale), Status: Accepted,
	}
	r.Suppression = p.media[d.Via.Name].suppression(m.Tenant, r.To)
	var own ownBody
	switch {
	case d.Fault != nil:
		r.Status, r.Reason, r.Failure = Failed, store.ReasonOf(d.Fault.Kind), store.FailureOf(d.Fault).Clean()
		own.Fault = r.Failure
	case m.SendAt.After(now):
		r.Status, r.Reason, r.NotBefore = Held, ReasonScheduled, micros(m.SendAt)
	}
	if d.Fault == nil && m.Template != "" {
		own.Content = d.Content
		if pl.extra[d.Via.Name] == nil {
			own.Extra = d.Extra
		}
	}
	if d.Fault == nil && m.Template == "" {
		return r, nil
	}
	var err error
	r.Body, err = toJSON(own)
	return r, err
}

// decode returns the decoder of a stored message's deliveries, which share the content and must not change it. The decoder reads the message
// once, for the first delivery. Its error is a [*channel.Error]: the delivery can never be sent.
func decode(m *store.Message) func(*store.Delivery) (channel.Delivery, error) {
	shared := sync.OnceValues(func() (*sharedBody, error) {
		s := new(sharedBody)
		if err := json.Unmarshal(m.Body, s); err != nil {
			return nil, &channel.Error{Kind: channel.Rejected, Err: fmt.Errorf("the stored message: %w", err)}
		}
		return s, nil
	})
	return func(d *store.Delivery) (channel.Delivery, error) {
		s, err := shared()
		if err != nil {
			return channel.Delivery{}, err
		}
		return s.delivery(d)
	}
}

// delivery returns the driver's form of d at the next attempt.
func (s *sharedBody) delivery(d *store.Delivery) (channel.Delivery, error) {
	m := d.Message
	out := channel.Delivery{
		ID: d.ID(), MessageID: d.MessageID, Tenant: m.Tenant,
		Channel: d.Lane.Channel(), Recipient: d.User, To: d.To, Locale: d.Locale, Category: m.Category, Class: m.Class,
		Attempt: d.Attempts + 1, AtMostOnce: m.AtMostOnce, ExpireAt: m.ExpireAt,
		Content: s.Content, Attachments: s.Attachments, Extra: s.Extra[d.Lane.Channel()],
	}
	if len(d.Body) == 0 {
		return out, nil
	}
	var own ownBody
	if err := json.Unmarshal(d.Body, &own); err != nil {
		return channel.Delivery{}, &channel.Error{Kind: channel.Rejected, Err: fmt.Errorf("the stored delivery: %w", err)}
	}
	if e, _ := own.Fault.Err(); e != nil {
		return channel.Delivery{}, e
	}
	out.Content = own.Content
	if out.Extra == nil {
		out.Extra = own.Extra
	}
	return out, nil
}

// toJSON does not escape '<', '>' and '&': the escapes would make HTML much longer.
func toJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// micros returns t in the precision of stores.
func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// storedOutcome returns the outcome of a stored delivery, without Reached.
func storedOutcome(d *store.Delivery) Outcome {
	return outcomeOf(d.ID(), d.User, d.Lane.Channel(), d.To, engine.FateOf(d))
}

// reportOf returns the report of a stored message.
func (n *Notifier) reportOf(ctx context.Context, rec store.MessageRecord) Report {
	r := Report{ID: rec.Message.ID, Deliveries: make([]Outcome, len(rec.Deliveries))}
	for i, first := 0, 0; i < len(rec.Deliveries); i++ {
		r.Deliveries[i] = storedOutcome(&rec.Deliveries[i])
		if i+1 < len(rec.Deliveries) && rec.Deliveries[i+1].Recipient == rec.Deliveries[i].Recipient {
			continue
		}
		n.markReached(ctx, rec.Message.Dispatcher, r.Deliveries[first:i+1])
		first = i + 1
	}
	return r
}

// markReached asks the dispatcher whether one recipient was reached. Live deliveries count as failed, so that a reached recipient stays reached.
func (n *Notifier) markReached(ctx context.Context, dispatcher string, os []Outcome) {
	ps := make([]Progress, len(os))
	for i, o := range os {
		ps[i] = Progress{Channel: o.Channel, To: o.To, Place: i, Attempts: o.Attempts, Status: o.Status, Reason: o.Reason, At: o.At}
		if !o.Status.Settled() {
			ps[i].Status, ps[i].Reason = Failed, ""
		}
	}
	reached := n.engine.Reached(ctx, dispatcher, ps)
	for i := range os {
		os[i].Reached = reached
	}
}
