package channeltest

import (
	"net/http"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Vendor says how to test a driver that speaks HTTP. The suite runs the server; the handlers answer as the vendor does. They may be
// called by many goroutines at once, and may read the body again.
type Vendor struct {
	// Open returns the driver under test. It sends to baseURL, which ends without a slash, with c.
	Open func(t *testing.T, baseURL string, c *http.Client) channel.Channel

	Delivery channel.Delivery // as in [Suite]
	Secrets  []string         // as in [Suite]; the suite adds baseURL

	// Accept checks a request (method, path, signature, body) and answers as the vendor does: with success, or with the vendor's
	// complaint, which then fails the rule "sends".
	Accept http.HandlerFunc

	// BadRecipient refuses the address. It is not needed by a driver whose AddressKind is None.
	BadRecipient http.HandlerFunc

	Throttle http.HandlerFunc // asks to wait Wait; by default with status 429 and Retry-After
	Deny     http.HandlerFunc // refuses the credentials; by default with status 401
	Fail     http.HandlerFunc // fails; by default with status 500

	Wait time.Duration // what Throttle asks for, by default 30 s; negative if it does not say

	// Aside answers requests that are not the sending itself, such as one for a token, by their pattern for [http.ServeMux].
	// All peers but the one that Refuses answer them, and they do not count as attempts.
	Aside map[string]http.HandlerFunc

	Cannot   map[Peer]string // as in [Suite]
	AnyExtra bool            // as in [Suite]
}

// HTTP tests a driver against servers that the suite runs: [Run] with some more rules, on redirects and endless answers.
func HTTP(t *testing.T, v Vendor) {
	t.Helper()
	if v.Open == nil || v.Accept == nil {
		t.Fatal("channeltest: a Vendor needs Open and Accept")
	}
	Run(t, v.suite())
}

// suite returns v as a Suite whose peers are servers.
func (v Vendor) suite() Suite {
	if v.Wait == 0 {
		v.Wait = 30 * time.Second
	}
	var last *server
	return Suite{
		Open: func(t *testing.T, p Peer) channel.Channel {
			last = v.serve(t, p)
			return v.Open(t, last.url, last.client)
		},
		Received: func() []string { return last.received() },
		Delivery: v.Delivery,
		Secrets:  append([]string{"http://127.0.0.1"}, v.Secrets...),
		Wait:     max(0, v.Wait),
		Cannot:   v.Cannot,
		AnyExtra: v.AnyExtra,
		server:   func() *server { return last },
	}
}
