// Package sms sends text messages through a [Gateway]. Each vendor has a package below this one: aliyun, tencent and twilio. [HTTP]
// makes a gateway for any other vendor.
//
//	c := sms.New(twilio.New("AC…", "auth token", "+15005550006", nil), nil)
//
// # Content
//
// A gateway takes one of two forms, and a delivery without that form is refused:
//
//   - Approved only, if the vendor approves every text beforehand: Aliyun, Tencent, and an HTTP gateway with templates. A [Template]
//     maps the host's own name of the text to the vendor's, so one message can go through either vendor of
//     channel.Failover(sms.New(aliyun.New(…), nil), sms.New(tencent.New(…), nil)).
//   - Text only, for all other gateways, in at most [Options].MaxSegments messages of the network; see [Segments].
//
// Title, HTML, Markdown, URL and attachments are not shown. A delivery's Extra is decoded as an [Extra].
//
// # Numbers
//
// An address is an E.164 number such as +8613800138000, or in another notation that [E164] reads. The gateway sends it in the vendor's
// own form.
//
// # Writing a gateway
//
// A gateway implements [Gateway]. [Keys] supplies the access key of each request, [Templates] checks the approved texts, and [Refused]
// and [Unrecognized] classify the vendor's answers.
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

// A Channel sends text messages through one [Gateway]. It is safe for concurrent use.
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
	// MaxSegments limits the messages of the network that one text may take; each is billed. The count is that of the vendors:
	// [MainlandSegments] for mainland China, [Segments] elsewhere. Of an approved text, only the parameters are known and count.
	// Defaults to 10; negative means no limit.
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

// Send makes one attempt to hand d to the vendor. A receipt means that the vendor accepted the message, not that the phone has it.
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
// "content.approved.params.<name>"), a text beyond MaxSegments, an unknown Extra, and whatever the gateway's own Validate refuses.
func (c *Channel) Validate(d channel.Delivery) error {
	_, err := c.sms(d)
	return err
}

// Valid checks the gateway's configuration.
func (c *Channel) Valid() error {
	if c.gateway == nil {
		return errors.New("sms: a gateway is required")
	}
	if v, ok := c.gateway.(channel.Configured); ok {
		return v.Valid()
	}
	return nil
}

// AddressKind returns [channel.Phone].
func (c *Channel) AddressKind() string { return channel.Phone }

// Limits returns the gateway's limits. They are always costly, because each message is billed.
func (c *Channel) Limits() (l channel.Limits) {
	if g, ok := c.gateway.(channel.Limiter); ok {
		l = g.Limits()
	}
	l.Costly = true
	return l
}

// Close closes a gateway that has a Close method.
func (c *Channel) Close(ctx context.Context) error {
	switch g := c.gateway.(type) {
	case channel.Drainer:
		return g.Close(ctx)
	case io.Closer:
		return g.Close()
	}
	return nil
}

// sms returns the message for the gateway, or an error for a delivery that can never work.
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
		return SMS{}, refuse("extra.extend_code", "must be digits")
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

// fill sets the form of the content that the gateway takes.
func (c *Channel) fill(m *SMS, content channel.Content) (err error) {
	templates := c.templates()
	if templates == nil {
		if strings.TrimSpace(content.Text) == "" {
			return refuse("content.text", "is required: the gateway takes no other form")
		}
		m.Text = content.Text
		return c.checkLength("content.text", m.To, m.Text)
	}
	if m.Template, m.Approved, err = templates.arrange(content.Approved); err != nil {
		return err
	}
	var values strings.Builder
	for _, p := range m.Approved.Params {
		values.WriteString(p.Value)
	}
	return c.checkLength("content.approved.params", m.To, values.String())
}

// templates returns the gateway's templates, or nil for a gateway of free texts.
func (c *Channel) templates() Templates {
	if g, ok := c.gateway.(interface{ Templates() Templates }); ok {
		return g.Templates()
	}
	return nil
}

func (c *Channel) checkLength(field, to, text string) error {
	if !utf8.ValidString(text) {
		return refuse(field, "must be UTF-8")
	}
	count := Segments
	if Mainland(to) {
		count = MainlandSegments
	}
	if n := count(text).Segments; c.maxSegments > 0 && n > c.maxSegments {
		return refuse(field, fmt.Sprintf("must take at most %d messages, takes %d", c.maxSegments, n))
	}
	return nil
}

// refuse returns the error for a delivery that can never work because of field.
func refuse(field, text string) error {
	return &channel.Error{Kind: channel.Rejected, Field: field, Err: errors.New("sms: " + text)}
}
