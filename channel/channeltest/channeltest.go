// Package channeltest provides the conformance suite for channels: the rules that every driver must keep, one subtest per rule. A
// failure prints the broken rule and a way to fix the driver.
//
// A driver that speaks HTTP calls [HTTP], where the suite plays the vendor's server:
//
//	func TestContract(t *testing.T) {
//		channeltest.HTTP(t, channeltest.Vendor{
//			Open: func(t *testing.T, baseURL string, c *http.Client) channel.Channel {
//				return pager.New("t0ken", &pager.Options{BaseURL: baseURL, Client: c})
//			},
//			Delivery:     channel.Delivery{ID: "d-1", To: "ann-7", Content: channel.Content{Text: "Your parcel is here"}},
//			Secrets:      []string{"t0ken"},
//			Accept:       accept,       // checks the request, answers like the vendor
//			BadRecipient: badRecipient, // refuses the address like the vendor
//		})
//	}
//
// Any other driver calls [Run] with its own peers. The rules run one after another and inspect all goroutines of the process, so the
// test that calls the suite must not be parallel. Run the suite under -race.
//
// For the tests of applications, [Recorder] is a channel that sends nothing and records its deliveries.
package channeltest

import (
	"testing"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Peer is the far end that the driver sends to, named by the way it behaves.
type Peer string

// The peers that [Suite].Open is called with.
const (
	Accepts      Peer = "accepts"       // accepts the delivery
	Silent       Peer = "silent"        // reads the whole delivery and never answers
	Cuts         Peer = "cuts"          // reads the whole delivery and closes the connection without an answer
	Refuses      Peer = "refuses"       // refuses every connection
	Throttles    Peer = "throttles"     // rate-limits the account and asks to wait Suite.Wait
	Denies       Peer = "denies"        // refuses the credentials
	Fails        Peer = "fails"         // reads the delivery and answers with an internal failure, such as HTTP 500 or SMTP 451
	BadRecipient Peer = "bad recipient" // refuses the address as invalid or unreachable
)

// The additional peers of [HTTP].
const (
	floods    Peer = "floods"     // answers 200 with an endless body that is not the vendor's
	redirects Peer = "redirects"  // answers 307
	cutsLater Peer = "cuts later" // accepts the first delivery, then behaves as Cuts on the same connection
)

// A Suite describes the driver under test and its peers.
type Suite struct {
	// Open returns the driver under test, ready to send Delivery to a new peer that behaves as p. Open must close the peer
	// with t.Cleanup; the suite closes the channel before that. Open is not called for the peers in Cannot.
	Open func(t *testing.T, p Peer) channel.Channel

	// Delivery is a delivery that the driver accepts. It should use everything that the driver supports: texts, Extra, an
	// attachment. The suite sends modified copies. It also searches errors for the texts of Delivery, so each text should be a
	// sentence rather than a word.
	Delivery channel.Delivery

	// Received returns the attempts that the most recently opened peer has received. Each string is one attempt: the head as
	// received (lines of "Name: value"), an empty line, and the body. The body must be decoded, so that the suite finds the
	// delivery's texts there. A peer must record an attempt before answering. Received must be safe for concurrent use. If
	// Received is nil, the suite checks less.
	Received func() []string

	// Secrets must not appear in any error: tokens, passwords, URLs. The suite adds the address and the content.
	Secrets []string

	// Wait is the time that the Throttles peer asks to wait. Zero means that the peer names no time.
	Wait time.Duration

	// Cannot lists the peers that do not exist for this medium, each with the reason. Their rules are skipped.
	Cannot map[Peer]string

	// AnyExtra is set for a driver that accepts every Extra, such as a stand-in for other drivers.
	AnyExtra bool

	// server returns the most recently opened peer of HTTP. Without HTTP, server is nil.
	server func() *server
}

// Run tests the driver that s opens, with one subtest per rule.
func Run(t *testing.T, s Suite) {
	t.Helper()
	if s.Open == nil || s.Delivery.ID == "" {
		t.Fatal("channeltest: Suite.Open and Suite.Delivery.ID are required")
	}
	for i := range rules {
		if r := &rules[i]; r.peer == "" || s.has(t, r.peer) {
			s.try(t, r)
		}
	}
}

// try runs one rule as a subtest.
func (s Suite) try(t *testing.T, r *rule) {
	t.Run(r.name, func(t *testing.T) { r.test(&run{T: t, Suite: s, rule: r, told: map[*rule]bool{}}) })
}

// has reports whether the suite can open p. If not, has logs the reason.
func (s Suite) has(t *testing.T, p Peer) bool {
	switch p {
	case floods, redirects, cutsLater:
		return s.server != nil
	}
	why, cannot := s.Cannot[p]
	if cannot {
		t.Logf("channeltest: skipping the peer %q: %s", p, why)
	}
	return !cannot
}
