package notify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// A sharedBody is what the deliveries of a message have in common, as it is stored.
type sharedBody struct {
	Content     Content                    `json:"content,omitzero"`
	Attachments []Attachment               `json:"attachments,omitempty"`
	Extra       map[string]json.RawMessage `json:"extra,omitempty"` // by channel name
}

// An ownBody is what a delivery has for itself, as it is stored. With a Fault there is nothing to send, however often it is replayed.
type ownBody struct {
	Content Content         `json:"content,omitzero"`
	Extra   json.RawMessage `json:"extra,omitempty"`
	Fault   *store.Failure  `json:"fault,omitempty"`
}

// record returns what p, the plan of m, is stored as. The request may be nil if m has no Key.
func (p *plan) record(m *Message, request []byte) (store.NewMessage, error) {
	body, err := toJSON(sharedBody{m.Content, m.Attachments, p.extra})
	if err != nil {
		return store.NewMessage{}, err
	}
	r := store.NewMessage{
		Message: store.Message{
			ID: p.id, Tenant: m.Tenant, Key: m.Key, Dispatcher: cmp.Or(m.Dispatcher, "all"), Category: m.Category, Class: string(m.Class),
			Template: m.Template, AtMostOnce: m.AtMostOnce, ExpireAt: m.ExpireAt, Body: body,
		},
		Request:    request,
		Deliveries: make([]store.NewDelivery, 0, p.count),
	}
	now := time.Now()
	for i := range p.groups {
		g := &p.groups[i]
		for place := range g.ds {
			d, err := g.ds[place].record(m, p.extra, now)
			if err != nil {
				return store.NewMessage{}, err
			}
			d.Recipient, d.Place, d.Grouped = g.no, place, g.grouped()
			r.Deliveries = append(r.Deliveries, d)
		}
	}
	return r, nil
}

// record returns what d is stored as, without its place. What is not to go out is stored settled.
func (d *draft) record(m *Message, shared map[string]json.RawMessage, now time.Time) (store.NewDelivery, error) {
	r := store.NewDelivery{
		Lane: store.LaneOf(d.Channel, d.Class), User: d.Recipient, To: store.Clean(d.To), Locale: store.Clean(d.Locale), Status: Accepted,
	}
	r.Suppression = d.gate.suppression(m.Tenant, r.To)
	var own ownBody
	switch {
	case d.fault != nil:
		e := classify(d.fault)
		r.Status, r.Reason, r.Failure = Failed, faultReason(e.Kind), store.FailureOf(e).Clean()
		own.Fault = r.Failure
	case m.SendAt.After(now):
		r.Status, r.Reason, r.NotBefore = Held, ReasonScheduled, micros(m.SendAt)
	}
	if d.fault == nil && m.Template != "" {
		own.Content = d.Content
		if shared[d.Channel] == nil {
			own.Extra = d.Extra
		}
	}
	if d.fault == nil && m.Template == "" {
		return r, nil
	}
	var err error
	r.Body, err = toJSON(own)
	return r, err
}

// grouped reports whether the fate of one of g's deliveries can decide another's.
func (g *group) grouped() bool {
	_, isAll := g.dispatcher.(all)
	return !isAll && len(g.ds) > 1
}

// toJSON leaves '<', '>' and '&' as they are: escaped, a mail would be much longer.
func toJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// micros returns t as stores keep it.
func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// unpack decodes what the deliveries of m share. They may share the result too: nobody changes it. Its error is a [*channel.Error]:
// they can never be sent.
func unpack(m *store.Message) (*sharedBody, error) {
	var s sharedBody
	if err := json.Unmarshal(m.Body, &s); err != nil {
		return nil, &channel.Error{Kind: channel.Rejected, Err: fmt.Errorf("the stored message: %w", err)}
	}
	return &s, nil
}

// open returns what the driver of d, one of those that share s, gets at its next attempt. Its error is a [*channel.Error]: d can never
// be sent.
func (s *sharedBody) open(d *store.Delivery) (channel.Delivery, error) {
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
	if own.Fault != nil {
		e, _ := own.Fault.Err()
		return channel.Delivery{}, e
	}
	out.Content = own.Content
	if out.Extra == nil {
		out.Extra = own.Extra
	}
	return out, nil
}

// outcomeOf returns d as the application sees it, without Reached, which its group decides.
func outcomeOf(d *store.Delivery) Outcome {
	o := Outcome{
		ID: d.ID(), Recipient: d.User, Channel: d.Lane.Channel(), To: d.To, ProviderID: d.ProviderID,
		Status: d.Status, Reason: d.Reason, Attempts: d.Attempts, At: d.At,
		// A receipt may come between the deaths of two processes that called it, and nobody settles it after.
		Duplicate: d.Duplicate || d.Lapsed > 0 && d.Status.Settled() && !d.Message.AtMostOnce,
	}
	if d.Canceled && d.Status != Canceled && o.Reason == "" {
		o.Reason = ReasonTooLate
	}
	if d.Status == Held {
		o.Until = d.Due
		if d.NotBefore.After(d.Due) { // it was woken early
			o.Until = d.NotBefore
		}
	}
	if e, _ := d.Failure.Err(); e != nil {
		o.Err = e
	}
	return o
}

// reportOf returns the report of a stored message.
func (n *Notifier) reportOf(rec store.MessageRecord) Report {
	r := Report{ID: rec.Message.ID, Deliveries: make([]Outcome, len(rec.Deliveries))}
	for i, first := 0, 0; i < len(rec.Deliveries); i++ {
		r.Deliveries[i] = outcomeOf(&rec.Deliveries[i])
		if i+1 < len(rec.Deliveries) && rec.Deliveries[i+1].Recipient == rec.Deliveries[i].Recipient {
			continue
		}
		n.markReached(rec.Message.Dispatcher, r.Deliveries[first:i+1])
		first = i + 1
	}
	return r
}

// markReached asks the dispatcher about one recipient. What is under way still counts as failed: whoever is reached stays so. A
// dispatcher that this process does not have reaches nobody.
func (n *Notifier) markReached(dispatcher string, os []Outcome) {
	d := n.dispatchers[dispatcher]
	if d == nil {
		return
	}
	ps := make([]Progress, len(os))
	for i, o := range os {
		ps[i] = Progress{Channel: o.Channel, To: o.To, Place: i, Attempts: o.Attempts, Status: o.Status, Reason: o.Reason, At: o.At}
		if !o.Status.Settled() {
			ps[i].Status, ps[i].Reason = Failed, ""
		}
	}
	reached := false
	_ = n.guard("dispatcher", func() { reached = d.Reached(ps) })
	for i := range os {
		os[i].Reached = reached
	}
}
