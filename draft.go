package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/template"
)

// A draft is a delivery on its way through the planner.
type draft struct {
	channel.Delivery
	gate  *gate
	fault error // settles it as failed
}

// draft renders what the deliveries to one recipient on one channel share, unless ctx has ended: then they will be canceled, and
// the sooner the better. Its error refuses the message.
func (p *planner) draft(ctx context.Context, d *draft, to *person) error {
	m := &p.m
	d.Delivery = channel.Delivery{
		MessageID: p.plan.id, Tenant: m.Tenant, Channel: d.gate.name, Recipient: to.ID, Locale: cmp.Or(to.Locale, m.Locale),
		Category: m.Category, Class: string(m.Class), AtMostOnce: m.AtMostOnce, ExpireAt: m.ExpireAt,
		Content: m.Content, Attachments: m.Attachments, Extra: p.plan.extra[d.gate.name],
	}
	if d.gate.kind != channel.None {
		d.fault = to.fault
	}
	if m.Template == "" || d.fault != nil || ctx.Err() != nil {
		return nil
	}
	return p.render(ctx, d, to)
}

// address names d, redirects it and asks its driver whether it can work.
func (p *planner) address(ctx context.Context, d *draft, to *person, place int, address string) {
	d.ID = store.DeliveryRef{MessageID: p.plan.id, Recipient: to.no, Place: place}.ID()
	d.To = address
	if d.To == "" && d.fault == nil && d.gate.kind != channel.None {
		d.fault = noAddress(to, d.gate)
	}
	if p.store != nil && d.fault == nil && d.To != store.Clean(d.To) {
		d.fault = addressFault(to, d.gate, fmt.Errorf("%w, or too long", errNoWord))
	}
	if d.fault != nil {
		return
	}
	for _, key := range []string{d.gate.kind, d.gate.name} {
		if address, ok := p.redirect[key]; ok && d.gate.takes(key) {
			d.To = address
		}
	}
	if d.gate.validator == nil || ctx.Err() != nil { // with ctx it will be canceled
		return
	}
	if crash := p.guard(d.Channel, func() { d.fault = refusal(d.gate.validator.Validate(d.Delivery)) }); crash != nil {
		d.fault = crash
	}
}

// refusal classifies what Validate says: unless it says otherwise, the content can never work.
func refusal(err error) error {
	e := classify(err)
	switch {
	case e == nil:
		return nil
	case e.Kind == channel.Unknown, e.Kind == channel.Uncertain: // nothing was sent, for certain
		return &channel.Error{Kind: channel.Rejected, Err: err}
	}
	return e
}

// render fills d from the message's template. Its error refuses the message.
func (p *planner) render(ctx context.Context, d *draft, to *person) error {
	var out template.Rendered
	var err error
	if crash := p.guard("templates", func() {
		out, err = p.templates.Render(ctx, template.Request{
			Tenant: d.Tenant, Key: p.m.Template, Channel: d.Channel, Locale: d.Locale, TimeZone: to.TimeZone, Data: p.data, Recipient: to.data,
		})
	}); crash != nil {
		err = crash
	}
	switch {
	case ctx.Err() != nil: // it will be canceled
		return nil
	case errors.Is(err, template.ErrNoTemplate):
		return fault("template", err)
	case !isNil(err):
		d.fault = renderFault(err)
		return nil
	}
	if field := badText(&out.Content); p.store != nil && field != "" {
		d.fault = &channel.Error{Kind: channel.Rejected, Field: "template", Err: fmt.Errorf("its %s %w", field, errNoText)}
		return nil
	}
	d.Content = out.Content
	if d.Extra == nil && out.Extra != nil {
		d.Extra, err = json.Marshal(out.Extra) // in its shortest form, which it keeps in a store
	}
	if err != nil {
		d.fault = &channel.Error{Kind: channel.Rejected, Field: "template", Err: err}
	}
	return nil
}

// renderFault classifies a failure to render: unless it says otherwise, or ctx ended, the content can never work.
func renderFault(err error) error {
	var e *channel.Error
	switch {
	case errors.As(err, &e):
		return classify(err)
	case channel.KindOf(err) == channel.Uncertain:
		return &channel.Error{Kind: channel.Temporary, Field: "template", Err: err}
	}
	return &channel.Error{Kind: channel.Rejected, Field: "template", Err: err}
}
