package websocket_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/websocket"
)

var delivery = channel.Delivery{
	ID: "d-1", To: "ann-7", Content: channel.Content{
		Title: "Parcel on its way", Text: "Your parcel comes on Monday", URL: "https://shop.example.com/orders/7",
	},
	Extra: json.RawMessage(`{"type": "desktop", "data": {"order": 7}}`),
}

func TestContract(t *testing.T) {
	var page *page
	none := "the hub queues, and does not wait for an answer"
	channeltest.Run(t, channeltest.Suite{
		Open: func(t *testing.T, p channeltest.Peer) channel.Channel {
			h := start(t, &websocket.Options{QueueBytes: 64 << 10})
			page = nil
			if p == channeltest.Accepts {
				page = open(t, h, delivery.To)
			}
			return h.Hub
		},
		Delivery: delivery,
		Received: func() []string { return page.received() },
		Secrets:  []string{"example.com"},
		Cannot: map[channeltest.Peer]string{
			channeltest.Silent: none, channeltest.Cuts: none, channeltest.Throttles: none, channeltest.Denies: none, channeltest.Fails: none,
			channeltest.Refuses: "clients connect to the hub; one that does not is Unreachable, as a bad recipient",
		},
	})
}

// A page is a client that records the messages it receives.
type page struct {
	client
	mu  sync.Mutex
	got []string
}

func open(t *testing.T, h *host, token string) *page {
	p := &page{client: h.connect(t, token)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			_, b, err := p.Read(context.Background())
			if err != nil {
				return
			}
			p.mu.Lock()
			p.got = append(p.got, "\n\n"+string(b))
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = p.CloseNow()
		<-done
	})
	return p
}

// received sends a ping and waits for the pong, which follows everything that was queued before.
func (p *page) received() []string {
	if p == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = p.Ping(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.got...)
}

func TestADeliveryBecomesAFrame(t *testing.T) {
	h := start(t, nil)
	c := h.connect(t, "a~ann")
	tests := map[string]struct {
		content channel.Content
		extra   string
		want    string
	}{
		"all that it takes": {
			channel.Content{Title: "Hi", Text: "text", URL: "/orders/7"}, `{"type": "desktop", "data": {"n": 9007199254740993}}`,
			`{"v":1,"type":"desktop","id":"d-1","title":"Hi","text":"text","url":"/orders/7","data":{"n":9007199254740993}}`,
		},
		"text before markdown": {
			channel.Content{Text: "text", Markdown: "**text**", HTML: "<b>text</b>"}, "",
			`{"v":1,"type":"message","id":"d-1","text":"text"}`,
		},
		"markdown before nothing": {
			channel.Content{Markdown: "**text**", HTML: "<b>text</b>"}, `{"type": "message"}`,
			`{"v":1,"type":"message","id":"d-1","text":"**text**"}`,
		},
		"data alone": {channel.Content{}, `{"data": [1]}`, `{"v":1,"type":"message","id":"d-1","data":[1]}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := time.Now()
			receipt, err := h.Send(t.Context(), channel.Delivery{
				ID: "d-1", Tenant: "a", To: "ann", Content: test.content, Extra: json.RawMessage(test.extra),
			})
			require.NoError(t, err)
			require.WithinRange(t, receipt.At, before, time.Now())
			receipt.At = time.Time{}
			require.Equal(t, channel.Receipt{DeliveryID: "d-1", Provider: "websocket", Event: channel.Sent}, receipt)
			require.Equal(t, test.want, c.text(t))
		})
	}
}

func TestValidateRefuses(t *testing.T) {
	h := websocket.New(auth, &websocket.Options{QueueBytes: 1000})
	tests := map[string]struct {
		change func(*channel.Delivery)
		field  string
		kind   channel.Kind
	}{
		"no user":                    {func(d *channel.Delivery) { d.To = "" }, "to", channel.InvalidRecipient},
		"nothing to show":            {func(d *channel.Delivery) { d.Content, d.Extra = channel.Content{HTML: "<b>x</b>"}, nil }, "content", channel.Rejected},
		"a script as a URL":          {func(d *channel.Delivery) { d.Content.URL = "JavaScript:alert(1)" }, "content.url", channel.Rejected},
		"a script behind a space":    {func(d *channel.Delivery) { d.Content.URL = " javascript:alert(1)" }, "content.url", channel.Rejected},
		"a script with a line break": {func(d *channel.Delivery) { d.Content.URL = "java\nscript:alert(1)" }, "content.url", channel.Rejected},
		"a page of data as a URL":    {func(d *channel.Delivery) { d.Content.URL = "data:text/html,x" }, "content.url", channel.Rejected},
		"a type that is the inbox's": {func(d *channel.Delivery) { d.Extra = json.RawMessage(`{"type": "count"}`) }, "extra.type", channel.Rejected},
		"an unknown field":           {func(d *channel.Delivery) { d.Extra = json.RawMessage(`{"sound": 1}`) }, "extra.sound", channel.Rejected},
		"data that is not UTF-8":     {func(d *channel.Delivery) { d.Extra = json.RawMessage("{\"data\": \"\xff\"}") }, "extra.data", channel.Rejected},
		"more than a queue can hold": {func(d *channel.Delivery) { d.Content.Text = strings.Repeat("long ", 200) }, "content", channel.Rejected},
		"more data than a queue can ": {func(d *channel.Delivery) {
			d.Extra = json.RawMessage(`{"data": "` + strings.Repeat("long ", 200) + `"}`)
		}, "content", channel.Rejected},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := delivery
			test.change(&d)
			err := channel.Validate(h, d)
			require.ErrorIs(t, err, test.kind)
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.field, e.Field)

			_, err = h.Send(t.Context(), d)
			require.ErrorIs(t, err, test.kind)
		})
	}
	require.NoError(t, channel.Validate(h, delivery))
	require.Equal(t, channel.UserID, channel.AddressKind(h))
}

func TestAUserWithoutAConnectionIsUnreachable(t *testing.T) {
	h := start(t, nil)
	h.connect(t, "a~ann-7")
	_, err := h.Send(t.Context(), delivery) // has no tenant
	require.ErrorIs(t, err, channel.Unreachable)
}

func TestSendAfterCloseIsTemporary(t *testing.T) {
	h := start(t, nil)
	h.connect(t, delivery.To)
	_, err := h.Send(t.Context(), delivery)
	require.NoError(t, err)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, channel.Close(ended, h.Hub), context.Canceled)
	_, err = h.Send(t.Context(), delivery)
	require.ErrorIs(t, err, channel.Temporary)
}
