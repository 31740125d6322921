package notify_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/email"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/twilio"
	"github.com/e7ddda3c/notify/template"
)

// With the real drivers and templates, a fault of one delivery fails that delivery, uncalled, with the field in its error. The other
// delivery is sent.
func TestFaultsThatDriversAndTemplatesFind(t *testing.T) {
	mail := func(address string) []notify.Recipient {
		return []notify.Recipient{{Addresses: map[string][]string{"email": {address}, "pager": {"1"}}}}
	}
	phone := []notify.Recipient{{Addresses: map[string][]string{"phone": {"12"}, "pager": {"1"}}}}
	hello := notify.Content{Title: "Hello", Text: "World"}
	tests := map[string]struct {
		message notify.Message
		field   string
		kind    channel.Kind
	}{
		"malformed mailbox":  {notify.Message{To: mail("ann@"), Content: hello}, "to", channel.InvalidRecipient},
		"bad E.164":          {notify.Message{To: phone, Channels: []string{"sms", "pager"}, Content: hello}, "to", channel.InvalidRecipient},
		"CR/LF in a subject": {notify.Message{To: mail("ann@example.com"), Content: notify.Content{Title: "Hi\r\nBcc: eve@example.com", Text: "x"}}, "content.title", channel.Rejected},
		"unknown extra field": {notify.Message{
			To: mail("ann@example.com"), Content: hello, Extra: map[string]any{"email": map[string]string{"replyto": "x@example.com"}},
		}, "extra.replyto", channel.Rejected},
		"attachment too large": {notify.Message{
			To: mail("ann@example.com"), Content: hello, Attachments: []notify.Attachment{{Name: "film.mp4", Data: make([]byte, 1<<20)}},
		}, "attachments[0]", channel.Rejected},
		"missing template field":   {notify.Message{To: mail("ann@example.com"), Template: "order", Data: map[string]any{}}, "data.no", channel.Rejected},
		"missing template variant": {notify.Message{To: mail("ann@example.com"), Template: "page-only"}, "template", channel.Rejected},
		"no address":               {notify.Message{To: phone, Channels: []string{"email", "pager"}, Content: hello}, "to[0].addresses.email", channel.InvalidRecipient},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pager := &channeltest.Recorder{}
			n := newNotifier(t, notify.Config{
				Channels: notify.Channels{
					"email": email.New("192.0.2.1", "Shop <shop@example.com>", &email.Options{MaxSize: 1 << 20}),
					"sms":   sms.New(twilio.New("AC0", "token", "+15005550006", nil), nil),
					"pager": pager,
				},
				Templates: template.Must(template.New(fstest.MapFS{
					"order/email.text.tmpl":     {Data: []byte("Order {{.no}}")},
					"order/pager.text.tmpl":     {Data: []byte("Order")},
					"page-only/pager.text.tmpl": {Data: []byte("Hi")},
				}, nil)),
			})
			report, err := n.Send(t.Context(), tt.message)
			require.ErrorIs(t, err, tt.kind)
			require.Len(t, report.Deliveries, 2)
			bad, good := report.Deliveries[0], report.Deliveries[1]
			var e *channel.Error
			require.ErrorAs(t, bad.Err, &e)
			require.Equal(t, tt.field, e.Field)
			require.Equal(t, notify.Failed, bad.Status)
			require.Zero(t, bad.Attempts)
			require.Equal(t, notify.Sent, good.Status)
			require.Len(t, pager.Deliveries(), 1)
		})
	}
}
