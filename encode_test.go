package notify_test

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/template"
)

func TestADeliveryIDIsReadBackAndNothingElseIs(t *testing.T) {
	id := notify.NewID(time.Now())
	ref := store.DeliveryRef{MessageID: id, Recipient: 12, Place: 3}
	got, ok := notify.ParseDeliveryID(notify.DeliveryID(ref))
	require.True(t, ok)
	require.Equal(t, ref, got)

	for _, bad := range []string{
		"", "-", "x", id, id + "-", id + "-1", id + "-1-", id + "-1-2-3", id + "-01-2", id + "-+1-2", id + "--1-2", id + "1-2",
		id[1:] + "-1-2", "X" + id[1:] + "-1-2", id + "-99999999999999999999-0",
	} {
		_, ok := notify.ParseDeliveryID(bad)
		require.False(t, ok, bad)
	}
}

// fullMessages returns messages that use all fields.
func fullMessages() map[string]notify.Message {
	ann := notify.Recipient{ID: "ann", Locale: "de-AT", TimeZone: "Europe/Vienna", Addresses: map[string][]string{
		"mail": {"ann@example.com", "a2@example.com"}, "pager": {"7"},
	}}
	return map[string]notify.Message{
		"content, files and extra": {
			Tenant: "acme", To: append(notify.To("pager", "1", "2"), ann), Channels: []string{"pager", "room"},
			Category: "billing", Class: notify.Notice, Locale: "fr", AtMostOnce: true,
			ExpireAt: time.Now().Add(time.Hour).In(time.FixedZone("x", 3600)),
			Content: notify.Content{
				Title: "<b>1 & 2</b> \u2028", Text: "a\r\n\tb\x00", HTML: "<p>&amp;</p>", Markdown: "**x**", URL: "https://example.com/?a=1&b=2",
				Approved: &notify.Approved{Name: "code", Params: []notify.Param{{Name: "n", Value: "42"}}},
			},
			Attachments: []notify.Attachment{{Name: "a<b>.bin", Type: "x/y", ContentID: "c", Data: []byte{0, 255, 10}}, {Name: "empty", Data: []byte{}}},
			Extra:       map[string]any{"pager": map[string]any{"beep": true, "text": "<&>", "big": 1 << 60}, "room": json.RawMessage("null")},
		},
		"a template": {
			To: []notify.Recipient{ann}, Channels: []string{"mail", "pager", "room"}, Dispatcher: "first",
			Template: "order", Data: map[string]any{"no": 7}, Extra: map[string]any{"room": map[string]int{"x": 1}},
		},
		"a code": {To: notify.To("pager", "1"), Channels: []string{"pager"}, Class: notify.OTP, Content: notify.Content{Text: "1234"}},
	}
}

func TestDriversGetTheSameThroughAStore(t *testing.T) {
	set, err := template.New(fstest.MapFS{
		"order/default.text.tmpl":  {Data: []byte("order {{.no}} for {{recipient.id}} <&>")},
		"order/mail.de.text.tmpl":  {Data: []byte("Bestellung {{.no}}")},
		"order/default.extra.json": {Data: []byte(`{ "a" : "<{{.no}}>",  "b": [1, 2] }`)},
	}, nil)
	require.NoError(t, err)
	for name, m := range fullMessages() {
		t.Run(name, func(t *testing.T) {
			d := &driver{}
			n := newNotifier(t, notify.Config{Templates: set, Channels: notify.Channels{
				"mail": d, "pager": d, "room": &driver{kind: channel.None, send: d.Send},
			}})
			_, err := n.Send(t.Context(), m)
			require.NoError(t, err)
			rec, opened, errs := n.Stored(t, m)
			if m.Dispatcher == "first" {
				opened = opened[:1] // the others are not needed
			}
			require.Len(t, opened, len(d.got))
			for i, got := range opened {
				require.NoError(t, errs[i])
				j := slices.IndexFunc(d.got, func(d channel.Delivery) bool { return d.ID[36:] == got.ID[36:] })
				require.GreaterOrEqual(t, j, 0, got.ID)
				want := d.got[j]
				require.Equal(t, rec.Message.ID, got.MessageID)
				want.ID, want.MessageID = got.ID, got.MessageID
				if m.Class == notify.OTP { // ten minutes after each Send
					require.WithinDuration(t, want.ExpireAt, got.ExpireAt, time.Second)
					want.ExpireAt = got.ExpireAt
				}
				require.Equal(t, want, got)
			}
		})
	}
}
