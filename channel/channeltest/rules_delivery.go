package channeltest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/e7ddda3c/notify/channel"
)

func sends(r *run) {
	d := clone(r.Delivery)
	receipt, err := r.send(r.Context(), r.open(Accepts), d)
	if err != nil {
		r.broken("Send returned %v", err)
		return
	}
	if receipt.DeliveryID != "" && receipt.DeliveryID != d.ID {
		r.broken("the receipt is for delivery %q, want %q or none", receipt.DeliveryID, d.ID)
	}
	switch receipt.Event {
	case "", channel.Sent, channel.Delivered, channel.Read:
	default:
		r.broken("the receipt has the event %q, want Sent, Delivered, Read or none", receipt.Event)
	}
	if got, ok := r.received(); ok && len(got) == 0 {
		r.broken("Send returned no error, but the peer received nothing")
	}
	r.once()
}

// word matches an address kind of a driver's own.
var word = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func declares(r *run) {
	c := r.open(Accepts)
	if err := channel.Valid(c); err != nil {
		r.broken("Valid returned %v", err)
	}
	if err := r.validate(c, clone(r.Delivery)); err != nil {
		r.broken("Validate refuses the Suite's Delivery: %v", err)
	}
	l := channel.LimitsOf(c)
	if l.Rate < 0 || math.IsNaN(l.Rate) || math.IsInf(l.Rate, 0) || l.Burst < 0 || l.Concurrency < 0 {
		r.broken("Limits are %+v, want finite numbers from 0", l)
	}
	if k := channel.AddressKind(c); k != "" && !word.MatchString(k) {
		r.broken("AddressKind is %q, want a snake_case word", k)
	}
}

func noEarlyIO(r *run) {
	c := r.open(Accepts)
	_ = channel.Valid(c)
	_ = r.validate(c, clone(r.Delivery))
	if got, ok := r.received(); ok && len(got) > 0 {
		r.broken("the peer received %d requests before Send", len(got))
	}
}

func badAddress(r *run) {
	c, d := r.open(Accepts), clone(r.Delivery)
	bad := []string{""}
	switch channel.AddressKind(c) {
	case channel.None:
		d.To = ""
		if err := r.validate(c, d); err != nil {
			r.broken("Validate of a channel of kind None refuses a delivery without an address: %v", err)
		}
		return
	case channel.Email:
		bad = append(bad, "no-mailbox", "ann@", "@example.com")
	case channel.Phone:
		bad = append(bad, "no phone", "+1", "+86138001380001380001")
	default:
		return
	}
	for _, d.To = range bad {
		err := r.validate(c, d)
		if err == nil {
			r.broken("Validate accepts To %q", d.To)
			continue
		}
		r.field(err, "to", channel.InvalidRecipient)
	}
}

func unknownExtra(r *run) {
	if r.AnyExtra {
		return
	}
	c, d := r.open(Accepts), clone(r.Delivery)
	for extra, field := range map[string]string{
		`{"no_such_field": 1}`: "extra.no_such_field",
		`["no object"]`:        "extra",
		`{"broken`:             "extra",
	} {
		d.Extra = json.RawMessage(extra)
		err := r.validate(c, d)
		if err == nil {
			r.broken("Validate accepts the Extra %s", extra)
			continue
		}
		r.field(err, field, channel.Rejected)
	}
}

// beyond has characters of two, three and four bytes in UTF-8.
const beyond = "né你好🚀"

func nonASCII(r *run) {
	c := r.open(Accepts)
	d := bodies(r.Delivery, func(s string) string { return s + " " + beyond })
	if d.Content.Title != "" {
		d.Content.Title += " " + beyond
	}
	if err := r.validate(c, d); err != nil {
		r.broken("Validate returned %v", err)
		return
	}
	if _, err := r.send(r.Context(), c, d); err != nil {
		r.broken("Send returned %v", err)
		return
	}
	if got, ok := r.received(); ok && !reflect.DeepEqual(d.Content, r.Delivery.Content) && !strings.Contains(strings.Join(got, "\n"), beyond) {
		r.broken("the peer received %.2000q, without %q", got, beyond)
	}
}

func lineBreaks(r *run) {
	c := r.open(Accepts)
	for _, path := range fields(r.Delivery) {
		for _, end := range []string{"\r\n", "\n", "\r"} {
			d := with(r.Delivery, path, end+"Injected: yes")
			if err := r.validate(c, d); err != nil {
				r.field(err, path, channel.Rejected, channel.InvalidRecipient)
				continue
			}
			_, _ = r.send(r.Context(), c, d)
			got, _ := r.received()
			for _, one := range got {
				if injected(one) {
					r.broken("%q in %s created a header", end, path)
					return
				}
			}
		}
	}
}

// injected reports whether the head of a received attempt has the header that lineBreaks tries to inject.
func injected(received string) bool {
	head, _, _ := strings.Cut(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(received), "\n\n")
	return strings.Contains("\n"+strings.ToLower(head), "\ninjected:")
}

func oversized(r *run) {
	const size = 1 << 20
	c := r.open(Accepts)
	d := bodies(r.Delivery, func(s string) string { return strings.Repeat(s+" ", size/len(s)+1) })
	if err := r.validate(c, d); err != nil {
		r.field(err, "content", channel.Rejected)
		return
	}
	if _, err := r.send(r.Context(), c, d); err != nil {
		r.kind(err, channel.Rejected)
	}
}

func concurrentUse(r *run) {
	const callers, calls = 8, 4
	c, shared := r.open(Accepts), clone(r.Delivery) // the calls share slices and pointers, as the deliveries of one message do
	var wg sync.WaitGroup
	errs := make(chan error, callers*calls)
	mark := func(i, j int) string { return fmt.Sprintf("no%d-%d.", i, j) }
	for i := range callers {
		wg.Go(func() {
			for j := range calls {
				d := shared
				d.ID = fmt.Sprintf("%s-%d-%d", d.ID, i, j)
				d.Content = bodies(shared, func(s string) string { return s + " " + mark(i, j) }).Content
				_, err := c.Send(r.Context(), d)
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			r.watch(err, r.Delivery)
			r.broken("one of %d calls failed: %v", callers*calls, err)
			return
		}
	}
	got, ok := r.received()
	if ok && len(got) != callers*calls {
		r.broken("the peer received %d deliveries of %d", len(got), callers*calls)
		return
	}
	if reflect.DeepEqual(shared, bodies(shared, func(string) string { return "" })) {
		return // no text could carry the marks
	}
	for k := range got {
		own := mark(k/calls, k%calls)
		if n := len(slices.DeleteFunc(slices.Clone(got), func(s string) bool { return !strings.Contains(s, own) })); n != 1 {
			r.broken("the text of one delivery arrived %d times: the driver mixed deliveries up", n)
			return
		}
	}
}

func keepsNothing(r *run) {
	for _, p := range []Peer{Accepts, Silent} {
		if !r.has(r.T, p) {
			continue
		}
		c, d, before := r.open(p), clone(r.Delivery), clone(r.Delivery)
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		if p == Silent {
			cancel()
			ctx, cancel = context.WithTimeout(r.Context(), short)
		}
		_, _ = r.send(ctx, c, d)
		cancel()
		if !reflect.DeepEqual(d, before) {
			r.broken("Send modified the delivery, with the peer %q", p)
		}
		poison(d)
		r.close(c)
		got, _ := r.received()
		for _, one := range got {
			if strings.Contains(one, poisoned) {
				r.broken("the peer received data that the caller wrote into the delivery after Send had returned")
			}
		}
	}
}

const poisoned = "!!!!!!!!"

// poison overwrites everything behind the slices and pointers of d. The race detector reports a driver that still reads there.
func poison(d channel.Delivery) {
	fill := func(b []byte) { copy(b, bytes.Repeat([]byte("!"), len(b))) }
	fill(d.Extra)
	for i := range d.Attachments {
		fill(d.Attachments[i].Data)
		d.Attachments[i] = channel.Attachment{Name: poisoned}
	}
	if a := d.Content.Approved; a != nil {
		for i := range a.Params {
			a.Params[i] = channel.Param{Name: poisoned, Value: poisoned}
		}
		a.Name = poisoned
	}
}
