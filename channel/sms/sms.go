// Package sms sends short messages through a [Gateway]: [Aliyun], [Tencent], [Twilio], or any other over [HTTP].
//
// # Content
//
// A gateway takes one of two forms, and a delivery without it is refused:
//
//   - Approved, and nothing else, where the vendor wants every text approved beforehand: Aliyun, Tencent, and an HTTP gateway that
//     has templates. The host's own name of the text is mapped to the vendor's by a [Template], so that one message goes through
//     channel.Failover(sms.New(aliyun, nil), sms.New(tencent, nil)) whichever is up.
//   - Text, and nothing else, everywhere else. It may take [Options].MaxSegments messages of the network; see [Segments].
//
// Title, HTML, Markdown, URL and attachments are not shown. Extra is [Extra].
//
// # Numbers
//
// An address is an E.164 number such as +8613800138000, or one of the other notations that [E164] reads. On the wire it has the
// vendor's own form.
package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/e7ddda3c/notify/channel"
)

// A Channel sends short messages through one [Gateway]. It may be used by many goroutines at once.
type Channel struct {
	gateway     Gateway
	maxSegments int
}

var (
	_ channel.Channel    = (*Channel)(nil)
	_ channel.Configured = (*Channel)(nil)
	_ channel.Validator  = (*Channel)(nil)
	_ channel.Addresser  = (*Channel)(nil)
	_ channel.Limiter    = (*Channel)(nil)
	_ channel.Drainer    = (*Channel)(nil)
)

// Options configures a [Channel]. A nil *Options means all defaults.
type Options struct {
	// MaxSegments is how many messages of the network one text may take, each of which is billed. It counts as the vendors do: by
	// [MainlandSegments] to mainland China, by [Segments] elsewhere. Of an approved text only the parameters are known and count.
	// Defaults to 10; negative means no bound.
	MaxSegments int
}

// New returns a channel that sends through g.
func New(g Gateway, o *Options) *Channel {
	c := &Channel{gateway: g, maxSegments: 10}
	if o != nil && o.MaxSegments != 0 {
		c.maxSegments = o.MaxSegments
	}
	return c
}

// Send makes one attempt to hand d to the vendor. A receipt means that the vendor took it, not that it arrived.
func (c *Channel) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	m, err := c.sms(d)
	if err != nil {
		return channel.Receipt{}, err
	}
	r, err := c.gateway.Send(ctx, m)
	if err != nil {
		return channel.Receipt{}, err
	}
	r.DeliveryID = d.ID
	return r, nil
}

// Validate refuses a bad number, a form that the gateway does not take, an unknown template, a missing or unknown parameter (Field
// "content.approved.params.<name>"), a text that is too long, and an unknown Extra.
func (c *Channel) Validate(d channel.Delivery) error {
	_, err := c.sms(d)
	return err
}

// Valid asks the gateway.
func (c *Channel) Valid() error {
	if c.gateway == nil {
		return errors.New("sms: no gateway")
	}
	if v, ok := c.gateway.(channel.Configured); ok {
		return v.Valid()
	}
	return nil
}

// AddressKind returns [channel.Phone].
func (c *Channel) AddressKind() string { return channel.Phone }

// Limits asks the gateway. It is always costly: each message is billed.
func (c *Channel) Limits() (l channel.Limits) {
	if g, ok := c.gateway.(channel.Limiter); ok {
		l = g.Limits()
	}
	l.Costly = true
	return l
}

// Close closes the gateway, if it can be closed.
func (c *Channel) Close(ctx context.Context) error {
	switch g := c.gateway.(type) {
	case channel.Drainer:
		return g.Close(ctx)
	case io.Closer:
		return g.Close()
	}
	return nil
}

// sms turns d into what the gateway is given, or says why it cannot.
func (c *Channel) sms(d channel.Delivery) (SMS, error) {
	to, err := E164(d.To)
	if err != nil {
		return SMS{}, err
	}
	extra, err := channel.Decode[Extra](d.Extra)
	if err != nil {
		return SMS{}, fmt.Errorf("sms: %w", err)
	}
	if code := extra.ExtendCode; code != "" && !digits(code) {
		return SMS{}, refuse("extra.extend_code", "takes digits only")
	}
	m := SMS{ID: d.ID, To: to, ExpireAt: d.ExpireAt, Extra: extra}
	if err := c.fill(&m, d.Content); err != nil {
		return SMS{}, err
	}
	if v, ok := c.gateway.(interface{ Validate(SMS) error }); ok {
		err = v.Validate(m)
	}
	return m, err
}

// fill gives m the one form of the content that the gateway takes.
func (c *Channel) fill(m *SMS, content channel.Content) (err error) {
	templates := c.templates()
	if templates == nil {
		if strings.TrimSpace(content.Text) == "" {
			return refuse("content.text", "is empty, and this gateway takes no other form")
		}
		m.Text = content.Text
		return c.checkLength("content.text", m.To, m.Text)
	}
	if m.Template, m.Approved, err = arrange(templates, content.Approved); err != nil {
		return err
	}
	var values strings.Builder
	for _, p := range m.Approved.Params {
		values.WriteString(p.Value)
	}
	return c.checkLength("content.approved.params", m.To, values.String())
}

// templates asks the gateway. Nil means that it takes free texts.
func (c *Channel) templates() map[string]Template {
	if g, ok := c.gateway.(interface{ Templates() map[string]Template }); ok {
		return g.Templates()
	}
	return nil
}

func (c *Channel) checkLength(field, to, text string) error {
	if !utf8.ValidString(text) {
		return refuse(field, "is not UTF-8")
	}
	count := Segments
	if mainland(to) {
		count = MainlandSegments
	}
	if n := count(text).Segments; c.maxSegments > 0 && n > c.maxSegments {
		return refuse(field, fmt.Sprintf("takes %d messages, more than %d", n, c.maxSegments))
	}
	return nil
}

// refuse is a delivery that can never work, because of field.
func refuse(field, text string) error {
	return &channel.Error{Kind: channel.Rejected, Field: field, Err: errors.New("sms: " + text)}
}
