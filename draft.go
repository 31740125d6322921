package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/internal/engine"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/template"
)

// draft renders the common part of the deliveries to one recipient on one medium. If ctx has ended, it renders nothing, because they will be
// canceled. An error refuses the message.
func (p *planning) draft(ctx context.Context, d *engine.Delivery, via *medium, to *person) error {
	m := &p.plan.message
	d.Via = via.Channel
	d.Delivery = channel.Delivery{
		MessageID: p.plan.id, Tenant: m.Tenant, Channel: via.Name, Recipient: to.ID, Locale: cmp.Or(to.Locale, m.Locale),
		Category: m.Category, Class: string(m.Class), AtMostOnce: m.AtMostOnce, ExpireAt: m.ExpireAt,
		Content: m.Content, Attachments: m.Attachments, Extra: p.plan.extra[via.Name],
	}
	if via.kind != channel.None {
		d.Fault = to.fault
	}
	if m.Template == "" || d.Fault != nil || ctx.Err() != nil {
		return nil
	}
	return p.render(ctx, d, to)
}

// address sets the address of d, redirected if the Config says so, and asks the driver to validate d.
func (p *planning) address(ctx context.Context, d *engine.Delivery, via *medium, to *person, address string) {
	d.To = address
	if d.To == "" && d.Fault == nil && via.kind != channel.None {
		d.Fault = to.addressFault(via, errors.New("the recipient has no address for this channel"))
	}
	if p.stored && d.Fault == nil && d.To != store.Clean(d.To) {
		d.Fault = to.addressFault(via, errUnfit)
	}
	if d.Fault != nil {
		return
	}
	for _, key := range []string{via.kind, via.Name} {
		if address, ok := p.redirect[key]; ok && via.takes(key) {
			d.To = address
		}
	}
	if via.validator == nil || ctx.Err() != nil { // if ctx has ended, d will be canceled
		return
	}
	if crash := p.guard.Do(d.Channel, func() { d.Fault = refusal(via.validator.Validate(d.Delivery)) }); crash != nil {
		d.Fault = channel.ErrorOf(crash)
	}
}

// refusal classifies an error of Validate. Nothing was sent, so an unclassified or uncertain error means that the content is rejected.
func refusal(err error) *channel.Error {
	e := channel.ErrorOf(err)
	if e != nil && (e.Kind == channel.Unknown || e.Kind == channel.Uncertain) {
		return &channel.Error{Kind: channel.Rejected, Err: err}
	}
	return e
}

// render fills d from the message's template. An error refuses the message.
func (p *planning) render(ctx context.Context, d *engine.Delivery, to *person) error {
	var out template.Rendered
	var err error
	if crash := p.guard.Do("templates", func() {
		out, err = p.templates.Render(ctx, template.Request{
			Tenant: d.Tenant, Key: p.plan.message.Template, Channel: d.Via.Name, Locale: d.Locale, TimeZone: to.TimeZone,
			Data: p.data, Recipient: to.data,
		})
	}); crash != nil {
		err = crash
	}
	switch {
	case ctx.Err() != nil: // d will be canceled
		return nil
	case errors.Is(err, template.ErrNoTemplate):
		return fault("template", err)
	case !isNil(err):
		d.Fault = renderFault(err)
		return nil
	}
	if field := badText(&out.Content); p.stored && field != "" {
		err = fmt.Errorf("its %s %w", field, errNoText)
	}
	d.Content = out.Content
	if err == nil && d.Extra == nil && out.Extra != nil {
		d.Extra, err = json.Marshal(out.Extra) // in compact form, which stores do not change
	}
	if err != nil {
		d.Fault = &channel.Error{Kind: channel.Rejected, Field: "template", Err: err}
	}
	return nil
}

// renderFault classifies a failure to render. An unclassified failure other than a deadline means that the content is rejected.
func renderFault(err error) *channel.Error {
	var e *channel.Error
	switch {
	case errors.As(err, &e):
		return channel.ErrorOf(err)
	case channel.KindOf(err) == channel.Uncertain:
		return &channel.Error{Kind: channel.Temporary, Field: "template", Err: err}
	}
	return &channel.Error{Kind: channel.Rejected, Field: "template", Err: err}
}
