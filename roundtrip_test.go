package notify_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store/memory"
	"github.com/e7ddda3c/notify/template"
)

// A generator of random messages.
type generator struct{ *rand.Rand }

func (g generator) flip() bool { return g.IntN(2) == 0 }

// text returns a text of characters that JSON, HTML or databases must escape.
func (g generator) text() string {
	words := []string{"", "x", "<&>\"'\\", "\u2028", "\x00", "é世界🙂", "\r\n\t", "{{.}}", strings.Repeat("long ", 300), "\ufffd", "null"}
	return words[g.IntN(len(words))] + words[g.IntN(len(words))]
}

func (g generator) content() notify.Content {
	c := notify.Content{Title: g.text(), Text: g.text(), HTML: g.text(), Markdown: g.text(), URL: g.text()}
	if g.flip() {
		c.Approved = &notify.Approved{Name: g.text()}
		for range g.IntN(3) {
			c.Approved.Params = append(c.Approved.Params, notify.Param{Name: g.text(), Value: g.text()})
		}
	}
	return c
}

func (g generator) extra() any {
	return []any{
		nil, map[string]any{"a": g.text(), "n": g.Uint64()}, json.RawMessage(` { "z" : "<\u003c>", "a" : 1.50 } `), struct{ X []byte }{[]byte(g.text())},
	}[g.IntN(4)]
}

func (g generator) message() notify.Message {
	m := notify.Message{
		Tenant: []string{"", "acme"}[g.IntN(2)], Dispatcher: []string{"", "all", "first"}[g.IntN(3)], Category: []string{"", "é"}[g.IntN(2)],
		Class:  []notify.Class{"", notify.OTP, notify.Transactional, notify.Notice, notify.Marketing}[g.IntN(5)],
		Locale: []string{"", "de_AT"}[g.IntN(2)], AtMostOnce: g.flip(), Channels: []string{"mail", "pager", "room"}[g.IntN(2):],
	}
	if g.flip() {
		m.ExpireAt = time.Now().Add(time.Duration(1 + g.Int64N(int64(time.Hour)))).In(time.FixedZone("x", 3600))
	}
	if g.flip() {
		m.Template, m.Data = "order", map[string]any{"no": g.IntN(9), "text": g.text()}
	} else {
		m.Content = g.content()
	}
	for i := range g.IntN(3) {
		m.Attachments = append(m.Attachments, notify.Attachment{Name: g.text(), Type: g.text(), Data: []byte(g.text() + "\xff")})
		m.Attachments[i].ContentID = g.text()
	}
	for _, name := range m.Channels {
		if g.flip() {
			if m.Extra == nil {
				m.Extra = map[string]any{}
			}
			m.Extra[name] = g.extra()
		}
	}
	count := 1
	if m.Dispatcher != "first" {
		count += g.IntN(3)
	}
	for i := range count {
		m.To = append(m.To, notify.Recipient{
			ID: fmt.Sprint("user ", i, "<é>"), Locale: []string{"", "fr"}[g.IntN(2)], Addresses: map[string][]string{
				"mail": []string{fmt.Sprint("ann", i, "@example.com"), fmt.Sprint(i, "世@example.com")}[:1+g.IntN(2)], "pager": {fmt.Sprint(i)},
			},
		})
	}
	return m
}

// deliveries returns the deliveries that d got, without the ids of messages.
func deliveries(t *testing.T, d *driver) []channel.Delivery {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	got := slices.Clone(d.got)
	for i := range got {
		require.Equal(t, got[i].ID[:36], got[i].MessageID)
		got[i].ID, got[i].MessageID = got[i].ID[36:], ""
		if len(got[i].Attachments) == 0 {
			got[i].Attachments = nil
		}
	}
	slices.SortFunc(got, func(a, b channel.Delivery) int { return strings.Compare(a.ID, b.ID) })
	return got
}

func TestWhateverAMessageHoldsDriversGetItThroughAStore(t *testing.T) {
	set := template.Must(template.New(fstest.MapFS{
		"order/default.text.tmpl":   {Data: []byte("order {{.no}} for {{recipient.id}} {{.text}}")},
		"order/mail.html.tmpl":      {Data: []byte("<p>{{.text}}</p>")},
		"order/pager.approved.json": {Data: []byte(`{"name": "code", "params": [{"name": "t", "value": "{{.text}}"}]}`)},
		"order/room.extra.json":     {Data: []byte(`{ "a" : "<{{.text}}>",  "b": [1, 2.50] }`)},
		"order/room.markdown.tmpl":  {Data: []byte("{{.text}}")},
		"order/mail.fr.text.tmpl":   {Data: []byte("commande {{.no}}")},
		"order/pager.de.text.tmpl":  {Data: []byte("Bestellung {{.no}}")},
	}, nil))
	base := rand.Uint64()
	for i := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			m := generator{rand.New(rand.NewPCG(base+i, 0))}.message()
			var got [2][]channel.Delivery
			var want notify.Report
			for with := range got {
				d := &driver{}
				c := notify.Config{Templates: set, Channels: notify.Channels{"mail": d, "pager": d, "room": &driver{kind: channel.None, send: d.Send}}}
				if with == 1 {
					c.Store = memory.New()
				}
				n := newNotifier(t, c)
				r, err := n.Send(t.Context(), m)
				if with == 1 {
					require.NoError(t, err, "seed %d", base+i)
					stop := running(t, n)
					r, err = n.Wait(t.Context(), r.ID)
					require.NoError(t, err)
					stop()
					require.Equal(t, statuses(want), statuses(r), "seed %d", base+i)
				}
				want = r
				got[with] = deliveries(t, d)
			}
			require.Equal(t, got[0], got[1], "seed %d", base+i)
		})
	}
}
