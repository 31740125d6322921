package notify_test

import (
	"encoding/json"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/store/memory"
	"github.com/e7ddda3c/notify/template"
)

// order is the data of a message, and later the same data with other types and another order of fields, as in a later version of a program.
type (
	order struct {
		No    int     `json:"no"`
		Buyer string  `json:"buyer"`
		Sum   float64 `json:"sum"`
	}
	later struct {
		Sum   json.Number `json:"sum"`
		Buyer string      `json:"buyer"`
		No    int64       `json:"no"`
	}
)

func TestAKeyKnowsTheMessageByItsMeaning(t *testing.T) {
	set := template.Must(template.New(fstest.MapFS{"k/default.text.tmpl": {Data: []byte("{{.no}}")}}, nil))
	n := newNotifier(t, notify.Config{Store: memory.New(), Templates: set, Channels: notify.Channels{"pager": &driver{}}})
	first := func() notify.Message {
		m := keyed("k")
		m.Content, m.Template, m.Data = notify.Content{}, "k", order{No: 1 << 60, Buyer: "<ann>", Sum: 2}
		m.Extra = map[string]any{"pager": order{No: 3}}
		m.To[0].Data = map[string]any{"order": order{No: 4}, "age": 7}
		return m
	}
	accept(t, n, first())

	same := map[string]func(*notify.Message){
		"unchanged":    func(*notify.Message) {},
		"another type": func(m *notify.Message) { m.Data = later{No: 1 << 60, Buyer: "<ann>", Sum: "2.0"} },
		"data as JSON": func(m *notify.Message) {
			m.Data = json.RawMessage(`{"sum":2e0, "buyer":"\u003cann>","no":1152921504606846976}`)
		},
		"extra of another type":   func(m *notify.Message) { m.Extra["pager"] = later{No: 3, Sum: "0"} },
		"a recipient's data":      func(m *notify.Message) { m.To[0].Data["order"] = later{No: 4, Sum: "0"} },
		"defaults by their names": func(m *notify.Message) { m.Dispatcher, m.Class = "all", notify.Transactional },
		"an empty list for nil":   func(m *notify.Message) { m.Attachments = []notify.Attachment{} },
	}
	for name, change := range same {
		t.Run("the same: "+name, func(t *testing.T) {
			m := first()
			change(&m)
			r := accept(t, n, m)
			require.True(t, r.Repeated)
		})
	}
	others := map[string]func(*notify.Message){
		"a number":             func(m *notify.Message) { m.Data = order{No: 1<<60 + 1, Buyer: "<ann>", Sum: 2} },
		"a number as a string": func(m *notify.Message) { m.To[0].Data["age"] = "7" },
		"extra":                func(m *notify.Message) { m.Extra["pager"] = order{No: 2} },
		"a file":               func(m *notify.Message) { m.Attachments = []notify.Attachment{{Name: "x"}} },
		"another recipient":    func(m *notify.Message) { m.To[0].ID = "bob" },
		"another address":      func(m *notify.Message) { m.To[0].Addresses["pager"] = []string{"bob"} },
		"one more recipient":   func(m *notify.Message) { m.To = append(m.To, notify.To("pager", "2")...) },
		"another dispatcher":   func(m *notify.Message) { m.Dispatcher = "first" },
		"another class":        func(m *notify.Message) { m.Class = notify.Notice },
		"at most once":         func(m *notify.Message) { m.AtMostOnce = true },
		"a locale":             func(m *notify.Message) { m.Locale = "fr" },
		"a category":           func(m *notify.Message) { m.Category = "billing" },
		"channels left out":    func(m *notify.Message) { m.Channels = nil },
	}
	for name, change := range others {
		t.Run("another: "+name, func(t *testing.T) {
			m := first()
			change(&m)
			_, err := n.Send(t.Context(), m)
			require.ErrorIs(t, err, notify.ErrKeyReused)
		})
	}
}
