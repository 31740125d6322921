package console_test

import (
	"bytes"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/console"
)

// blocks records each Write.
type blocks struct {
	mu  sync.Mutex
	all []string
}

func (b *blocks) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, string(p))
	return len(p), nil
}

func (b *blocks) received() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.all...)
}

func TestContract(t *testing.T) {
	var out *blocks
	local := "a writer accepts everything"
	channeltest.Run(t, channeltest.Suite{
		Open: func(*testing.T, channeltest.Peer) channel.Channel {
			out = &blocks{}
			return console.New(&console.Options{Writer: out})
		},
		Delivery: channel.Delivery{
			ID: "d-1", Channel: "email", To: "ann@example.com",
			Content: channel.Content{
				Title: "Order shipped", Text: "Your parcel is here", Markdown: "Your **parcel**", HTML: "<p>Your parcel</p>", URL: "https://example.com/17",
				Approved: &channel.Approved{Name: "shipped", Params: []channel.Param{{Name: "order", Value: "number 17"}}},
			},
			Attachments: []channel.Attachment{{Name: "bill.txt", Data: []byte("seventeen")}},
			Extra:       []byte(`{"importance":"high"}`),
		},
		Received: func() []string { return out.received() },
		Cannot: map[channeltest.Peer]string{channeltest.Silent: local, channeltest.Cuts: local, channeltest.Refuses: local, channeltest.Throttles: local,
			channeltest.Denies: local, channeltest.Fails: local, channeltest.BadRecipient: local},
		AnyExtra: true,
	})
}

func TestControlCharactersDoNotReachTheTerminal(t *testing.T) {
	var out bytes.Buffer
	_, err := console.New(&console.Options{Writer: &out}).Send(t.Context(), channel.Delivery{
		ID: "d-1", Channel: "sms", To: "ann\nsms to bob",
		Content: channel.Content{Title: "red\x1b[31m", Text: "one\r\ntwo\rthree\u202e\n👩‍👩‍👧 你好é"},
	})
	require.NoError(t, err)
	require.Equal(t, `sms to ann\nsms to bob, delivery d-1
  title     red\x1b[31m
  text      one
            two\rthree\u202e
            👩‍👩‍👧 你好é

`, out.String())
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestAFailingWriterIsUncertain(t *testing.T) {
	_, err := console.New(&console.Options{Writer: full{}}).Send(t.Context(), channel.Delivery{ID: "d-1"})
	require.ErrorIs(t, err, channel.Uncertain)
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestAddressKindIsThatOfTheOptions(t *testing.T) {
	require.Equal(t, channel.Email, channel.AddressKind(console.New(&console.Options{AddressKind: channel.Email})))
	require.Empty(t, channel.AddressKind(console.New(nil)))
}
