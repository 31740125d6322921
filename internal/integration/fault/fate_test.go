package fault_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/internal/faulttest"
)

// The dispatchers under test, by name.
const (
	first    = "first"    // First(Sent)
	told     = "told"     // First(Delivered) with a timeout longer than any test: only a receipt starts the next step
	hasty    = "hasty"    // First(Delivered) with the timeout soon
	escalate = "escalate" // Escalate
)

// soon is the timeout after which hasty and escalate start the next step.
const soon = 400 * time.Millisecond

// places are the channels, in the order in which groups try them.
var places = []string{"a", "b", "c"}

// A group has the name "<dispatcher>-<n>", and its addresses are "<group>/<place>".
func groupOf(address string) string      { return address[:strings.IndexByte(address, '/')] }
func dispatcherOf(address string) string { return address[:strings.IndexByte(address, '-')] }

// The ways in which a provider treats an address.
const (
	good  = "good"
	flaky = "flaky" // the first two attempts fail
	late  = "late"  // the first attempt succeeds after its deadline
	deaf  = "deaf"  // every attempt ignores its deadline, and then fails
	dead  = "dead"  // every attempt is refused
)

// A fate determines the outcome for an address. It depends on the address alone, so that every process computes the same one.
type fate struct {
	call  string
	event channel.Event // of the receipt; "" if there is none
	after time.Duration // from the call to the receipt
}

func fateOf(address string) fate {
	h := fnv.New64a()
	h.Write([]byte(address))
	r := rand.New(rand.NewPCG(h.Sum64(), 1))
	f := fate{call: pick(r, good, good, good, good, flaky, flaky, late, deaf, dead, dead, dead)}
	switch dispatcherOf(address) {
	case first:
		f.event, f.after = pick(r, "", channel.Delivered), upTo(r, soon)
	case told:
		f.event, f.after = pick(r, channel.Delivered, channel.Bounced), upTo(r, soon)
	case hasty:
		f.event, f.after = pick(r, "", channel.Delivered, channel.Delivered, channel.Bounced), upTo(r, 3*soon)
	case escalate:
		f.event, f.after = pick(r, "", channel.Read, channel.Read, channel.Bounced), upTo(r, 3*soon)
	}
	return f
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func upTo(r *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(most)))
}

// goesOut reports whether an attempt will succeed.
func (f fate) goesOut() bool { return f.call != dead && f.call != deaf }

const (
	callTimeout = 200 * time.Millisecond
	deafness    = callTimeout + 300*time.Millisecond
)

// groups sets the channels, policies and dispatchers of groups in c.
func (b *child) groups(c *notify.Config) {
	c.Channels = notify.Channels{}
	c.Policies = map[string]notify.Policy{"": {Timeout: callTimeout, Backoff: 20 * time.Millisecond}}
	for _, name := range places {
		c.Channels[name] = fated{b}
	}
	c.Dispatchers = map[string]notify.Dispatcher{
		told:     notify.First(notify.Delivered, time.Minute),
		hasty:    notify.First(notify.Delivered, soon),
		escalate: notify.Escalate(soon),
	}
}

// fated is a provider whose calls end as the fates of the addresses say.
type fated struct{ *child }

func (p fated) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	if err := p.ledger.Note(faulttest.Entry{Kind: asked, ID: d.ID, Text: d.To}); err != nil {
		return channel.Receipt{}, err
	}
	p.bomb.At("call before")
	if !pause(ctx, rand.N(10*time.Millisecond)) {
		return channel.Receipt{}, ctx.Err()
	}
	switch fate := fateOf(d.To); {
	case fate.call == dead:
		return channel.Receipt{}, &channel.Error{Kind: channel.Rejected, Err: errors.New("dead")}
	case fate.call == flaky && d.Attempt <= 2:
		return channel.Receipt{}, &channel.Error{Kind: channel.Temporary, Err: errors.New("flaky")}
	case fate.call == deaf:
		pause(context.WithoutCancel(ctx), deafness)
		return channel.Receipt{}, &channel.Error{Kind: channel.Temporary, Err: errors.New("deaf")}
	case fate.call == late && d.Attempt == 1:
		<-ctx.Done()
		defer p.bomb.At("call after")
		return channel.Receipt{}, errors.Join(ctx.Err(), p.took(d))
	}
	err := p.took(d)
	p.bomb.At("call after")
	return channel.Receipt{Provider: "fate", ID: "fate-" + d.ID}, err
}

func (p fated) took(d channel.Delivery) error {
	return p.ledger.Note(faulttest.Entry{Kind: called, ID: d.ID, Text: d.To})
}

// postman delivers the receipts of successful calls, each at its time, until it is stopped or killed. A restarted one continues by the
// ledger.
func postman(ctx context.Context) error {
	b, err := newChild("postman")
	if err != nil {
		return err
	}
	config := notify.Config{Store: b.with(b.store), Logger: b.log}
	b.groups(&config)
	n, err := notify.New(config)
	if err != nil {
		return err
	}
	taken, done := map[string]faulttest.Entry{}, map[string]bool{}
	for from := int64(0); pause(ctx, 5*time.Millisecond); {
		es, next, err := b.ledger.Read(from)
		if err != nil {
			return err
		}
		from = next
		for _, e := range es {
			switch _, known := taken[e.ID]; {
			case e.Kind == called && !known:
				taken[e.ID] = e
			case e.Kind == receipt:
				done[e.ID] = true
			}
		}
		for id, e := range taken {
			fate := fateOf(e.Text)
			if fate.event == "" || done[id] || time.Since(e.At) < fate.after {
				continue
			}
			if err := n.Receive(ctx, channel.Receipt{DeliveryID: id, Event: fate.event}); err != nil {
				b.log.Error("receipt", "id", id, "error", err)
				continue // repeated, as a provider does
			}
			b.note(receipt, id, e.Text)
			done[id] = true
		}
	}
	return nil
}

func address(group string, place int) string { return fmt.Sprintf("%s/%d", group, place) }
