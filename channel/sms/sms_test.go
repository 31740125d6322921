package sms_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
)

// A phone remembers what it was sent. It takes free texts.
type phone struct{ got []sms.SMS }

func (p *phone) Send(_ context.Context, m sms.SMS) (channel.Receipt, error) {
	p.got = append(p.got, m)
	return channel.Receipt{Provider: "phone", ID: "1"}, nil
}

// A strict phone takes approved texts and has every other ability that a gateway can have.
type strictPhone struct {
	phone
	closed bool
}

var errClosed = errors.New("closed")

func (p *strictPhone) Templates() sms.Templates {
	return sms.Templates{
		"code":  {ID: "T1", Sign: "Shop", Params: []string{"code", "minutes"}},
		"hello": {ID: "T2", Sign: "Shop"},
	}
}
func (p *strictPhone) Limits() channel.Limits { return channel.Limits{Rate: 7} }
func (p *strictPhone) Valid() error           { return errors.New("phone: out of order") }
func (p *strictPhone) Close() error           { p.closed = true; return errClosed }

func (p *strictPhone) Validate(m sms.SMS) error {
	if m.Extra.ExtendCode == "13" {
		return channel.Rejected
	}
	return nil
}

// draining closes with a context.
type draining struct{ phone }

func (p *draining) Close(ctx context.Context) error { return ctx.Err() }

func TestSendGivesTheGatewayATextThatIsReady(t *testing.T) {
	p := &phone{}
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	d := smstest.Text("138-0013-8000", "Your parcel is here")
	d.Content.Title, d.Content.HTML, d.Content.Approved = "Parcel", "<p>Parcel</p>", &channel.Approved{Name: "code"}
	d.ExpireAt, d.Extra = at, json.RawMessage(`{"extend_code": "42"}`)

	r, err := sms.New(p, nil).Send(t.Context(), d)

	require.NoError(t, err)
	require.Equal(t, channel.Receipt{DeliveryID: "d-1", Provider: "phone", ID: "1"}, r)
	require.Equal(t, []sms.SMS{{
		ID: "d-1", To: "+8613800138000", Text: "Your parcel is here", ExpireAt: at, Extra: sms.Extra{ExtendCode: "42"},
	}}, p.got)
}

func TestSendGivesTheGatewayParametersInTheTemplatesOrder(t *testing.T) {
	p := &strictPhone{}
	d := smstest.Approved("+15005550006", "code", "minutes", "5", "code", "123456")
	d.Content.Text = "Your code is 123456"

	_, err := sms.New(p, nil).Send(t.Context(), d)

	require.NoError(t, err)
	require.Equal(t, []sms.SMS{{
		ID: "d-1", To: "+15005550006",
		Approved: &channel.Approved{Name: "code", Params: []channel.Param{{Name: "code", Value: "123456"}, {Name: "minutes", Value: "5"}}},
		Template: sms.Template{ID: "T1", Sign: "Shop", Params: []string{"code", "minutes"}},
	}}, p.got)
	require.Equal(t, "minutes", d.Content.Approved.Params[0].Name, "the delivery's own order is not changed")
}

func TestValidate(t *testing.T) {
	extra := func(d channel.Delivery, s string) channel.Delivery {
		d.Extra = json.RawMessage(s)
		return d
	}
	const abroad, home = "+15005550006", "+8613800138000"
	const params, rejected = "content.approved.params", channel.Rejected
	html := channel.Delivery{To: abroad, Content: channel.Content{HTML: "<p>hello</p>"}}
	free, strict := sms.New(&phone{}, nil), sms.New(&strictPhone{}, nil)
	tests := map[string]struct {
		channel *sms.Channel
		d       channel.Delivery
		field   string // "" if d is good
		kind    channel.Kind
	}{
		"takes a text":                            {free, smstest.Text(abroad, "hello"), "", ""},
		"takes an approved text":                  {strict, smstest.Approved(home, "code", "code", "1", "minutes", "5"), "", ""},
		"takes one without parameters":            {strict, smstest.Approved(home, "hello"), "", ""},
		"refuses a bad number":                    {free, smstest.Text("5005550006", "hello"), "to", channel.InvalidRecipient},
		"refuses an empty text":                   {free, smstest.Text(abroad, " \n"), "content.text", rejected},
		"refuses HTML alone":                      {free, html, "content.text", rejected},
		"refuses an approved text for a free one": {free, smstest.Approved(abroad, "hello"), "content.text", rejected},
		"refuses what is not UTF-8":               {free, smstest.Text(abroad, "hell\xf6"), "content.text", rejected},
		"refuses a parameter that is not UTF-8":   {strict, smstest.Approved(home, "code", "code", "\xf6", "minutes", "5"), params, rejected},
		"refuses a free text for an approved one": {strict, smstest.Text(home, "hello"), "content.approved", rejected},
		"refuses a name without a template":       {strict, smstest.Approved(home, "bye"), "content.approved.name", rejected},
		"refuses a missing parameter":             {strict, smstest.Approved(home, "code", "code", "1"), params + ".minutes", rejected},
		"refuses a parameter too many":            {strict, smstest.Approved(home, "hello", "code", "1"), params + ".code", rejected},
		"refuses a parameter given twice": {
			strict, smstest.Approved(home, "code", "code", "1", "code", "2", "minutes", "5"), params + ".code", rejected,
		},
		"keeps an odd name out of the field": {strict, smstest.Approved(home, "hello", "a\r\nb", "1"), params, rejected},
		"refuses an unknown extra":           {free, extra(smstest.Text(abroad, "hello"), `{"sender": "Shop"}`), "extra.sender", rejected},
		"refuses letters in the extend code": {free, extra(smstest.Text(abroad, "hello"), `{"extend_code": "12a"}`), "extra.extend_code", rejected},
		"asks the gateway":                   {strict, extra(smstest.Approved(home, "hello"), `{"extend_code": "13"}`), "", rejected},
		"takes ten messages of GSM-7":        {free, smstest.Text(abroad, strings.Repeat("a", 1530)), "", ""},
		"refuses eleven":                     {free, smstest.Text(abroad, strings.Repeat("a", 1531)), "content.text", rejected},
		"takes ten messages to the mainland": {free, smstest.Text(home, strings.Repeat("a", 670)), "", ""},
		"refuses eleven to the mainland":     {free, smstest.Text(home, strings.Repeat("a", 671)), "content.text", rejected},
		"refuses parameters of eleven": {
			strict, smstest.Approved(home, "code", "code", strings.Repeat("1", 670), "minutes", "5"), params, rejected,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := tt.channel.Validate(tt.d)
			if tt.kind == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tt.kind)
			if e, ok := errors.AsType[*channel.Error](err); ok {
				require.Equal(t, tt.field, e.Field)
			}
			_, sent := tt.channel.Send(t.Context(), tt.d)
			require.Equal(t, err, sent, "Send refuses the same")
		})
	}
}

func TestMaxSegments(t *testing.T) {
	d := smstest.Text("+15005550006", strings.Repeat("a", 161))
	require.NoError(t, sms.New(&phone{}, &sms.Options{MaxSegments: 2}).Validate(d))
	err := sms.New(&phone{}, &sms.Options{MaxSegments: 1}).Validate(d)
	require.ErrorContains(t, err, "must take at most 1 messages, takes 2")

	d.Content.Text = strings.Repeat("a", 100_000)
	require.NoError(t, sms.New(&phone{}, &sms.Options{MaxSegments: -1}).Validate(d))
}

func TestChannelPassesOnWhatTheGatewayCanDo(t *testing.T) {
	p := &strictPhone{}
	c := sms.New(p, nil)
	require.Equal(t, channel.Phone, channel.AddressKind(c))
	require.Equal(t, channel.Limits{Rate: 7, Costly: true}, channel.LimitsOf(c))
	require.ErrorContains(t, channel.Valid(c), "out of order")
	require.ErrorIs(t, channel.Close(t.Context(), c), errClosed)
	require.True(t, p.closed)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, channel.Close(ended, sms.New(&draining{}, nil)), context.Canceled)
}

func TestChannelNeedsNothingFromTheGateway(t *testing.T) {
	c := sms.New(&phone{}, nil)
	require.NoError(t, channel.Valid(c))
	require.Equal(t, channel.Limits{Costly: true}, channel.LimitsOf(c))
	require.NoError(t, channel.Close(t.Context(), c))
}

func TestChannelWithoutGatewayIsNotValid(t *testing.T) {
	require.Error(t, channel.Valid(sms.New(nil, nil)))
}

// A decorator that hides what the gateway can do makes it look like one that takes free texts.
type hiding struct{ gateway sms.Gateway }

func (h hiding) Send(ctx context.Context, m sms.SMS) (channel.Receipt, error) {
	return h.gateway.Send(ctx, m)
}

func TestGatewayOfApprovedTextsRefusesAFreeOne(t *testing.T) {
	for _, g := range []sms.Gateway{aliyun.New("id", "secret", nil), tencent.New("id", "key", "1", nil)} {
		_, err := sms.New(hiding{g}, nil).Send(t.Context(), smstest.Text("+8613800138000", "hello"))
		require.ErrorIs(t, err, channel.Rejected)
	}
}
