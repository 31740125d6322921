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

// The dispatchers of the groups, by their names.
const (
	first    = "first"    // First(Sent)
	told     = "told"     // First(Delivered), which waits longer than any test: only a receipt moves it on
	hasty    = "hasty"    // First(Delivered), which soon moves on by itself
	escalate = "escalate" // Escalate
)

// soon is when hasty and escalate move on.
const soon = 400 * time.Millisecond

// places are the channels, in the order in which groups try them.
var places = []string{"a", "b", "c"}

// groups are named "<dispatcher>-<n>", and their addresses "<group>/<place>".
func groupOf(address string) string      { return address[:strings.IndexByte(address, '/')] }
func dispatcherOf(address string) string { return address[:strings.IndexByte(address, '-')] }

// What a provider does with an address.
const (
	good  = "good"
	flaky = "flaky" // the first two attempts fail
	late  = "late"  // the first attempt is taken after its deadline
	deaf  = "deaf"  // every attempt ignores its deadline, and fails in the end
	dead  = "dead"  // every attempt is refused
)

// A fate is what becomes of an address. It follows from the address alone, so that everybody can tell beforehand.
type fate struct {
	call  string
	event channel.Event // that a receipt tells later; "": there is none
	after time.Duration // that much later
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

// goesOut reports whether a provider takes it in the end.
func (f fate) goesOut() bool { return f.call != dead && f.call != deaf }

const (
	callTimeout = 200 * time.Millisecond
	deafness    = callTimeout + 300*time.Millisecond
)

// groups makes a configuration fit for groups.
func (b *bench) groups(c *notify.Config) {
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

// fated is a provider that does as the fate of an address says.
type fated struct{ *bench }

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

// postman brings the receipts of what was called, each at its time, until it is stopped or killed. A later one goes on.
func postman(ctx context.Context) error {
	b, err := newBench("postman")
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
				continue // the provider repeats it
			}
			b.note(receipt, id, e.Text)
			done[id] = true
		}
	}
	return nil
}

func address(group string, place int) string { return fmt.Sprintf("%s/%d", group, place) }
