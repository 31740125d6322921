package channeltest

import (
	"net/http"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Vendor describes a driver that speaks HTTP, and the vendor's API. The suite runs the server; the handlers answer like the vendor.
// Handlers must be safe for concurrent use. They may read the request body, which the suite restores after recording the request.
type Vendor struct {
	// Open returns the driver under test, which sends to baseURL through c. baseURL ends without a slash.
	Open func(t *testing.T, baseURL string, c *http.Client) channel.Channel

	Delivery channel.Delivery // as in [Suite]
	Secrets  []string         // as in [Suite]; the suite adds baseURL

	// Accept checks a request (method, path, signature, body) and answers like the vendor. A bad request gets the vendor's error,
	// which then fails the rule "sends".
	Accept http.HandlerFunc

	// BadRecipient refuses the address like the vendor. Optional for a driver whose AddressKind is None.
	BadRecipient http.HandlerFunc

	Throttle http.HandlerFunc // rate-limits the account and asks to wait Wait; default: status 429 with Retry-After
	Deny     http.HandlerFunc // refuses the credentials; default: status 401
	Fail     http.HandlerFunc // fails internally; default: status 500

	Wait time.Duration // the time that Throttle asks to wait; default 30 s, negative if Throttle names no time

	// Aside answers auxiliary requests, such as one for a token. Its keys are patterns of [http.ServeMux]. These requests do not
	// count as attempts, and every peer except Refuses answers them.
	Aside map[string]http.HandlerFunc

	Cannot   map[Peer]string // as in [Suite]
	AnyExtra bool            // as in [Suite]
}

// HTTP tests a driver against servers that the suite runs. It adds rules about redirects, endless answers and reused connections to
// those of [Run].
func HTTP(t *testing.T, v Vendor) {
	t.Helper()
	if v.Open == nil || v.Accept == nil {
		t.Fatal("channeltest: Vendor.Open and Vendor.Accept are required")
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
