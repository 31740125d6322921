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

// A scribe writes messages at random.
type scribe struct{ *rand.Rand }

func (s scribe) flip() bool { return s.IntN(2) == 0 }

// text is a short one, of what is hard for JSON, HTML and databases.
func (s scribe) text() string {
	words := []string{"", "x", "<&>\"'\\", "\u2028", "\x00", "é世界🙂", "\r\n\t", "{{.}}", strings.Repeat("long ", 300), "\ufffd", "null"}
	return words[s.IntN(len(words))] + words[s.IntN(len(words))]
}

func (s scribe) content() notify.Content {
	c := notify.Content{Title: s.text(), Text: s.text(), HTML: s.text(), Markdown: s.text(), URL: s.text()}
	if s.flip() {
		c.Approved = &notify.Approved{Name: s.text()}
		for range s.IntN(3) {
			c.Approved.Params = append(c.Approved.Params, notify.Param{Name: s.text(), Value: s.text()})
		}
	}
	return c
}

func (s scribe) extra() any {
	return []any{
		nil, map[string]any{"a": s.text(), "n": s.Uint64()}, json.RawMessage(` { "z" : "<\u003c>", "a" : 1.50 } `), struct{ X []byte }{[]byte(s.text())},
	}[s.IntN(4)]
}

func (s scribe) message() notify.Message {
	m := notify.Message{
		Tenant: []string{"", "acme"}[s.IntN(2)], Dispatcher: []string{"", "all", "first"}[s.IntN(3)], Category: []string{"", "é"}[s.IntN(2)],
		Class:  []notify.Class{"", notify.OTP, notify.Transactional, notify.Notice, notify.Marketing}[s.IntN(5)],
		Locale: []string{"", "de_AT"}[s.IntN(2)], AtMostOnce: s.flip(), Channels: []string{"mail", "pager", "room"}[s.IntN(2):],
	}
	if s.flip() {
		m.ExpireAt = time.Now().Add(time.Duration(1 + s.Int64N(int64(time.Hour)))).In(time.FixedZone("x", 3600))
	}
	if s.flip() {
		m.Template, m.Data = "order", map[string]any{"no": s.IntN(9), "text": s.text()}
	} else {
		m.Content = s.content()
	}
	for i := range s.IntN(3) {
		m.Attachments = append(m.Attachments, notify.Attachment{Name: s.text(), Type: s.text(), Data: []byte(s.text() + "\xff")})
		m.Attachments[i].ContentID = s.text()
	}
	for _, name := range m.Channels {
		if s.flip() {
			if m.Extra == nil {
				m.Extra = map[string]any{}
			}
			m.Extra[name] = s.extra()
		}
	}
	count := 1
	if m.Dispatcher != "first" {
		count += s.IntN(3)
	}
	for i := range count {
		m.To = append(m.To, notify.Recipient{
			ID: fmt.Sprint("user ", i, "<é>"), Locale: []string{"", "fr"}[s.IntN(2)], Addresses: map[string][]string{
				"mail": []string{fmt.Sprint("ann", i, "@example.com"), fmt.Sprint(i, "世@example.com")}[:1+s.IntN(2)], "pager": {fmt.Sprint(i)},
			},
		})
	}
	return m
}

// deliveries returns what n's drivers get of m, without what cannot be the same twice.
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
			m := scribe{rand.New(rand.NewPCG(base+i, 0))}.message()
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
