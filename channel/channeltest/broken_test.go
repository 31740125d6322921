package channeltest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// A bent pager breaks rules: each function that is set replaces the pager's method.
type bent struct {
	*pager
	send     func(ctx context.Context, d channel.Delivery) (channel.Receipt, error)
	validate func(d channel.Delivery) error
	valid    error
	kind     string
	limits   channel.Limits
	close    func() error
}

func (b *bent) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	if b.send != nil {
		return b.send(ctx, d)
	}
	return b.pager.Send(ctx, d)
}

func (b *bent) Validate(d channel.Delivery) error {
	if b.validate != nil {
		return b.validate(d)
	}
	return b.pager.Validate(d)
}

func (b *bent) Valid() error           { return b.valid }
func (b *bent) AddressKind() string    { return b.kind }
func (b *bent) Limits() channel.Limits { return b.limits }

func (b *bent) Close() error {
	if b.close != nil {
		return b.close()
	}
	return nil
}

// as makes Send report every failure of kind from as one of kind to.
func (b *bent) as(from, to channel.Kind) {
	b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
		receipt, err := b.pager.Send(ctx, d)
		if channel.KindOf(err) == from {
			err = &channel.Error{Kind: to, Err: errors.Join(errors.New("pager: bent"), context.Cause(ctx))}
		}
		return receipt, err
	}
}

// answered makes Send return the pager's result as changed by f.
func (b *bent) answered(f func(d channel.Delivery, r channel.Receipt, err error) (channel.Receipt, error)) {
	b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
		r, err := b.pager.Send(ctx, d)
		return f(d, r, err)
	}
}

// broken are drivers that break a rule. rule is the subtest that fails; want is the rule that the failure must name, by default the
// same.
var broken = map[string]struct {
	rule, want string
	bend       func(b *bent)
}{
	"claims success without sending": {rule: "sends", bend: func(b *bent) {
		b.send = func(context.Context, channel.Delivery) (channel.Receipt, error) { return channel.Receipt{}, nil }
	}},
	"has a receipt for another delivery": {rule: "sends", bend: func(b *bent) {
		b.answered(func(channel.Delivery, channel.Receipt, error) (channel.Receipt, error) {
			return channel.Receipt{DeliveryID: "d-2"}, nil
		})
	}},
	"has a receipt that says bounced": {rule: "sends", bend: func(b *bent) {
		b.answered(func(channel.Delivery, channel.Receipt, error) (channel.Receipt, error) {
			return channel.Receipt{Event: channel.Bounced}, nil
		})
	}},
	"panics in Send": {rule: "sends", want: "no panic", bend: func(b *bent) {
		b.send = func(context.Context, channel.Delivery) (channel.Receipt, error) { panic("oops") }
	}},
	"sends twice": {rule: "sends", want: "one attempt", bend: func(b *bent) {
		b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
			_, _ = b.pager.Send(ctx, d)
			return b.pager.Send(ctx, d)
		}
	}},
	"is not valid":          {rule: "declarations", bend: func(b *bent) { b.valid = errors.New("pager: no token") }},
	"refuses everything":    {rule: "declarations", bend: func(b *bent) { b.validate = refuse("to", channel.Rejected) }},
	"has negative limits":   {rule: "declarations", bend: func(b *bent) { b.limits.Rate = -1 }},
	"has a kind with blank": {rule: "declarations", bend: func(b *bent) { b.kind = "Pager Number" }},
	"panics in Validate": {rule: "declarations", want: "no panic", bend: func(b *bent) {
		b.validate = func(channel.Delivery) error { panic("oops") }
	}},
	"sends to validate": {rule: "no early I/O", bend: func(b *bent) {
		b.validate = func(d channel.Delivery) error { _, err := b.pager.Send(context.Background(), d); return err }
	}},
	"takes any phone number":                {rule: "bad address", bend: func(b *bent) { b.kind = channel.Phone }},
	"takes any mailbox":                     {rule: "bad address", bend: func(b *bent) { b.kind = channel.Email }},
	"wants an address but says it has none": {rule: "bad address", bend: func(b *bent) { b.kind = channel.None }},
	"names the wrong field of a bad address": {rule: "bad address", bend: func(b *bent) {
		b.kind, b.validate = channel.Phone, refuse("phone", channel.InvalidRecipient)
	}},
	"blames the content for a bad address": {rule: "bad address", bend: func(b *bent) {
		b.kind, b.validate = channel.Phone, refuse("to", channel.Rejected)
	}},
	"ignores unknown fields": {rule: "unknown extra", bend: func(b *bent) {
		b.validate = func(channel.Delivery) error { return nil }
	}},
	"names no field of an unknown extra": {rule: "unknown extra", bend: func(b *bent) { b.validate = refuse("", channel.Rejected) }},
	"sends question marks": {rule: "non-ASCII", bend: func(b *bent) {
		b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
			d.Content.Text = regexp.MustCompile(`[^ -~]`).ReplaceAllString(d.Content.Text, "?")
			return b.pager.Send(ctx, d)
		}
	}},
	"refuses what is not ASCII": {rule: "non-ASCII", bend: func(b *bent) {
		b.validate = refuse("content.text", channel.Rejected)
	}},
	"writes the address into a header":   {rule: "line breaks", bend: func(b *bent) { b.send = b.raw }},
	"names the wrong field of a newline": {rule: "line breaks", bend: func(b *bent) { b.validate = refuse("content.title", channel.Rejected) }},
	"refuses long texts without a field": {rule: "oversized", bend: func(b *bent) { b.validate = refuse("", channel.Rejected) }},
	"finds itself at fault for long texts": {rule: "oversized", bend: func(b *bent) {
		b.send = fail(&channel.Error{Kind: channel.Misconfigured})
	}},
	"serves one at a time": {rule: "concurrent use", bend: func(b *bent) {
		var mu sync.Mutex
		b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
			if !mu.TryLock() {
				return channel.Receipt{}, &channel.Error{Kind: channel.Temporary}
			}
			defer mu.Unlock()
			return b.pager.Send(ctx, d)
		}
	}},
	"mixes deliveries up": {rule: "concurrent use", bend: func(b *bent) {
		var last atomic.Pointer[channel.Delivery]
		b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
			last.Store(&d)
			time.Sleep(time.Millisecond)
			return b.pager.Send(ctx, *last.Load())
		}
	}},
	"writes into the extra": {rule: "keeps nothing", bend: func(b *bent) {
		b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
			d.Extra[len(d.Extra)-1] = ' '
			return channel.Receipt{}, nil
		}
	}},
	"sends what it kept when it closes": {rule: "keeps nothing", bend: func(b *bent) {
		var kept json.RawMessage
		b.send = func(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
			kept = d.Extra
			b.client.Timeout = 100 * time.Millisecond
			return channel.Receipt{}, nil
		}
		b.close = func() error {
			resp, err := b.client.Post(b.url, "text/plain", bytes.NewReader(kept))
			if err == nil {
				resp.Body.Close()
			}
			return err
		}
	}},
	"ignores an ended context": {rule: "ended context", bend: func(b *bent) { b.send = b.ignoring }},
	"forgets the context's error": {rule: "ended context", bend: func(b *bent) {
		b.send = fail(&channel.Error{Kind: channel.Temporary, Err: errors.New("pager: not sent")})
	}},
	"ignores a deadline":             {rule: "deadline", want: "returns", bend: func(b *bent) { b.send = b.ignoring }},
	"repeats after a deadline":       {rule: "deadline", bend: func(b *bent) { b.as(channel.Uncertain, channel.Temporary) }},
	"forgets the deadline's error":   {rule: "deadline", bend: func(b *bent) { b.forget() }},
	"knows deadlines but no cancel":  {rule: "cancel", want: "returns", bend: func(b *bent) { b.send = b.ignoring }},
	"repeats after a cancel":         {rule: "cancel", bend: func(b *bent) { b.as(channel.Uncertain, channel.Temporary) }},
	"repeats after a cut":            {rule: "cut connection", bend: func(b *bent) { b.as(channel.Uncertain, channel.Temporary) }},
	"sends by a plain GET":           {rule: "cut connection, kept", bend: func(b *bent) { b.send = b.get }},
	"is unsure without a connection": {rule: "refused connection", bend: func(b *bent) { b.as(channel.Temporary, channel.Uncertain) }},
	"forgets the wait":               {rule: "throttled", bend: func(b *bent) { b.as(channel.RateLimited, channel.RateLimited) }},
	"takes a throttle for a refusal": {rule: "throttled", bend: func(b *bent) { b.as(channel.RateLimited, channel.Rejected) }},
	"blames the content for a bad token": {rule: "refused credentials", bend: func(b *bent) {
		b.as(channel.Misconfigured, channel.Rejected)
	}},
	"blames the content for a 500": {rule: "failing peer", bend: func(b *bent) { b.as(channel.Uncertain, channel.Rejected) }},
	"takes a 500 for success": {rule: "failing peer", bend: func(b *bent) {
		b.answered(func(_ channel.Delivery, r channel.Receipt, _ error) (channel.Receipt, error) { return r, nil })
	}},
	"has errors of its own": {rule: "failing peer", want: "classified", bend: func(b *bent) {
		b.send = fail(errors.New("pager: oops"))
	}},
	"tries again after a 500": {rule: "failing peer", want: "one attempt", bend: func(b *bent) {
		b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
			_, _ = b.pager.Send(ctx, d)
			return b.pager.Send(ctx, d)
		}
	}},
	"blames the content for a bad recipient": {rule: "bad recipient", bend: func(b *bent) {
		b.as(channel.InvalidRecipient, channel.Rejected)
	}},
	"reads without end": {rule: "endless answer", bend: func(b *bent) {
		b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
			resp, err := b.client.Post(b.url, "text/plain", nil)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			return channel.Receipt{}, err
		}
	}},
	"blames the content for a strange page": {rule: "endless answer", bend: func(b *bent) { b.as(channel.Uncertain, channel.Rejected) }},
	"follows redirects":                     {rule: "redirect", bend: func(b *bent) { b.send = b.get }},
	"panics when closed twice": {rule: "close", bend: func(b *bent) {
		done := make(chan struct{})
		b.close = func() error { close(done); return nil }
	}},
	"leaves a goroutine": {rule: "goroutines", bend: func(b *bent) {
		b.send = func(context.Context, channel.Delivery) (channel.Receipt, error) {
			go func() { select {} }()
			return channel.Receipt{}, nil
		}
	}},
	"tells the URL": {rule: "refused connection", want: "keeps secrets", bend: func(b *bent) {
		b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
			_, err := b.client.Get(b.url + "/page?token=" + b.token)
			return channel.Receipt{}, &channel.Error{Kind: channel.Temporary, Err: hidden{err}}
		}
	}},
	"tells the address": {rule: "bad recipient", want: "keeps secrets", bend: func(b *bent) {
		b.answered(func(d channel.Delivery, r channel.Receipt, err error) (channel.Receipt, error) {
			return r, fmt.Errorf("%s: %w", d.To, err)
		})
	}},
	"repeats the vendor's page": {rule: "failing peer", want: "keeps secrets", bend: func(b *bent) {
		b.send = func(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
			req, _ := httpsend.JSON(ctx, b.url, d.Content)
			a, err := httpsend.Do(b.client, req)
			if err != nil {
				return channel.Receipt{}, err
			}
			return channel.Receipt{}, a.Error(a.Kind(), "", fmt.Errorf("pager: %s", a.Body))
		}
	}},
}

// refuse returns a Validate that refuses every delivery.
func refuse(field string, kind channel.Kind) func(channel.Delivery) error {
	return func(channel.Delivery) error {
		return &channel.Error{Kind: kind, Field: field, Err: errors.New("pager: no")}
	}
}

func fail(err error) channel.Func {
	return func(context.Context, channel.Delivery) (channel.Receipt, error) { return channel.Receipt{}, err }
}

// hidden hides the text of an error, but not the error.
type hidden struct{ error }

func (h hidden) Error() string { return "pager: failed" }
func (h hidden) Unwrap() error { return h.error }

func (b *bent) ignoring(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	return b.pager.Send(context.WithoutCancel(ctx), d)
}

func (b *bent) forget() {
	b.answered(func(_ channel.Delivery, r channel.Receipt, err error) (channel.Receipt, error) {
		return r, &channel.Error{Kind: channel.KindOf(err), Err: errors.New("pager: no answer")}
	})
}

// get sends with a plain client, as drivers without httpsend do.
func (b *bent) get(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/page?token="+b.token, nil)
	if err != nil {
		return channel.Receipt{}, err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return channel.Receipt{}, &channel.Error{Kind: channel.Uncertain}
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return channel.Receipt{}, err
}

// raw writes the address into a header by hand, as drivers of line protocols do.
func (b *bent) raw(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		return channel.Receipt{}, err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /page HTTP/1.0\r\nX-To: %s\r\nContent-Length: 0\r\n\r\n", d.To)
	_, err = io.Copy(io.Discard, conn)
	return channel.Receipt{}, err
}

// TestBroken fails by design: TestBrokenDriversAreToldTheirRule runs it in a separate process.
func TestBroken(t *testing.T) {
	if os.Getenv("CHANNELTEST_BROKEN") == "" {
		return
	}
	for name, tt := range broken {
		t.Run(name, func(t *testing.T) {
			v := vendor(func(baseURL string, c *http.Client) channel.Channel {
				b := &bent{pager: &pager{url: baseURL, token: "t0ken", client: c}}
				tt.bend(b)
				return b
			})
			channeltest.RunRule(t, v, tt.rule)
		})
	}
}

func TestBrokenDriversAreToldTheirRule(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBroken$", "-test.v")
	cmd.Env = append(os.Environ(), "CHANNELTEST_BROKEN=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "no broken driver was found")

	named := map[string][]string{} // rules by driver
	var driver string
	for line := range strings.Lines(string(out)) {
		if m := regexp.MustCompile(`^=== (?:RUN|NAME|CONT) +TestBroken/([^/\n]+)`).FindStringSubmatch(line); m != nil {
			driver = m[1]
		}
		if m := regexp.MustCompile(`rule "([^"]+)" is broken`).FindStringSubmatch(line); m != nil {
			named[driver] = append(named[driver], m[1])
		}
	}
	var shown []string
	for name, tt := range broken {
		want := tt.rule
		if tt.want != "" {
			want = tt.want
		}
		shown = append(shown, want)
		require.Contains(t, named[strings.ReplaceAll(name, " ", "_")], want, "%s\n%s", name, out)
	}
	for _, rule := range channeltest.Rules() {
		require.True(t, slices.Contains(shown, rule), "no driver breaks %q", rule)
	}
}
