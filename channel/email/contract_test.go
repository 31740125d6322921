package email_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/email"
)

func TestContract(t *testing.T) {
	scripts := map[channeltest.Peer]script{
		channeltest.Accepts:      nil,
		channeltest.Silent:       on("DOT", silence),
		channeltest.Cuts:         on("DOT", cut),
		channeltest.Refuses:      nil,
		channeltest.Throttles:    on("MAIL", "450 4.7.0 you are too fast, try again in 90 seconds"),
		channeltest.Denies:       on("AUTH", "535 5.7.8 no"),
		channeltest.Fails:        on("DOT", "451 4.3.0 not now"),
		channeltest.BadRecipient: on("RCPT", "550 5.1.1 <ann@example.com>: User unknown"),
	}
	var peer *server
	channeltest.Run(t, channeltest.Suite{
		Open: func(t *testing.T, p channeltest.Peer) channel.Channel {
			peer = serve(t, scripts[p])
			o := peer.options()
			login(o)
			if p == channeltest.Refuses {
				closed := httptest.NewServer(nil)
				o.Dial = elsewhere(portOf(closed.Listener.Addr()))
				closed.Close()
			}
			return email.New("127.0.0.1", from, o)
		},
		Delivery: channel.Delivery{
			ID: "d-7", To: "ann@example.com", Recipient: "user-ann", Locale: "en",
			Content: channel.Content{
				Title: "Your order is on its way", Text: "It arrives tomorrow before noon.",
				HTML: "<p>It arrives <b>tomorrow</b> before noon.</p>", URL: "https://shop.example.com/orders/7",
			},
			Attachments: []channel.Attachment{{Name: "invoice.pdf", Type: "application/pdf", ContentID: "invoice", Data: []byte("%PDF-1.7")}},
			Extra:       json.RawMessage(`{"reply_to": "help@example.com", "headers": {"X-Campaign": "autumn sale"}, "importance": "high"}`),
		},
		Received: func() []string {
			var all []string
			for _, m := range peer.received() {
				all = append(all, decoded(t, m.data))
			}
			return all
		},
		Secrets: []string{password, base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + password))},
		Wait:    90 * time.Second,
	})
}

// decoded returns a mail's header, an empty line and the decoded contents of its parts.
func decoded(t *testing.T, data string) string {
	t.Helper()
	p := parse(t, data)
	head, _, _ := strings.Cut(data, "\r\n\r\n")
	body := []string{p.subject}
	for _, parts := range []map[string]string{p.part, p.file} {
		for name, text := range parts {
			body = append(body, fmt.Sprintf("%s\n%s", name, text))
		}
	}
	slices.Sort(body)
	return head + "\r\n\r\n" + strings.Join(body, "\n")
}
