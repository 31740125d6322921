// Package channeltest holds the conformance suite for channels: what every driver must do, one subtest a rule. A failure prints the
// rule that was broken and how to mend it.
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
//			Accept:       accept,       // checks the signature, answers as the vendor does
//			BadRecipient: badRecipient, // refuses the address as the vendor does
//		})
//	}
//
// Any other driver calls [Run] and brings its own peers. The rules run one after another and look at all goroutines of the process, so
// the test that calls them must not be parallel. Run them under -race.
//
// For the tests of applications there is [Recorder], a channel that remembers what it was given.
package channeltest

import (
	"testing"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Peer is a way for the other side to behave.
type Peer string

// The peers that [Suite].Open is asked for.
const (
	Accepts      Peer = "accepts"       // takes the delivery
	Silent       Peer = "silent"        // takes the whole delivery and never answers
	Cuts         Peer = "cuts"          // takes the whole delivery and cuts the connection without an answer
	Refuses      Peer = "refuses"       // no connection can be made
	Throttles    Peer = "throttles"     // says that this account is too fast and must wait Suite.Wait
	Denies       Peer = "denies"        // refuses the credentials
	Fails        Peer = "fails"         // takes the delivery and answers with a failure of its own, such as HTTP 500 or SMTP 451
	BadRecipient Peer = "bad recipient" // says that the address is none, or cannot be reached
)

// The peers that only [HTTP] has.
const (
	floods    Peer = "floods"     // answers 200 with an endless page that is not the vendor's
	redirects Peer = "redirects"  // answers 307
	cutsLater Peer = "cuts later" // takes the first delivery, and from then on behaves as Cuts on the kept connection
)

// A Suite says how to test a driver.
type Suite struct {
	// Open returns the driver under test, ready to send Delivery to a new peer that behaves as p. Open registers what closes the peer
	// with t.Cleanup; the suite closes the channel before. It is not called for a p in Cannot.
	Open func(t *testing.T, p Peer) channel.Channel

	// Delivery is one that the driver sends, with all that the driver makes use of: the texts, Extra, an attachment. The
	// suite changes copies of it. It looks for its texts in errors, so they should be sentences and not words.
	Delivery channel.Delivery

	// Received returns what the peer opened last has taken so far, one text for each attempt: the head as it came (lines of
	// "Name: value"), an empty line, and the rest decoded so that the delivery's texts can be found in it. The peer notes it
	// before it answers. Received is called by several goroutines. If it is nil, the rules that look at what arrived see less.
	Received func() []string

	// Secrets are texts that must stand in no error: tokens, passwords, URLs. The suite adds the address and the content.
	Secrets []string

	// Wait is what the peer that Throttles asks for. Zero means that it does not say.
	Wait time.Duration

	// Cannot says of peers that this medium does not have why not. Their rules are left out.
	Cannot map[Peer]string

	// AnyExtra says that the driver takes every Extra, as one that stands in for others does.
	AnyExtra bool

	// server is the peer of HTTP that was opened last. Without HTTP it is nil.
	server func() *server
}

// Run tests the driver that s opens, a subtest for each rule.
func Run(t *testing.T, s Suite) {
	t.Helper()
	if s.Open == nil || s.Delivery.ID == "" {
		t.Fatal("channeltest: a Suite needs Open and a Delivery with an ID")
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

// has reports whether the suite can open p, and logs why not.
func (s Suite) has(t *testing.T, p Peer) bool {
	switch p {
	case floods, redirects, cutsLater:
		return s.server != nil
	}
	why, cannot := s.Cannot[p]
	if cannot {
		t.Logf("channeltest: no peer that %s: %s", p, why)
	}
	return !cannot
}
