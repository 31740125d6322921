package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

// driver is a channel that answers each attempt with the next of its errors, and from then on with the last one.
type driver struct {
	mu      sync.Mutex
	answers []error
	got     []channel.Delivery
	at      []time.Time
	kind    string
	limits  channel.Limits
	refuse  func(channel.Delivery) error
	takes   time.Duration
	hold    chan struct{} // a call, whatever its ctx, ends when hold is closed
}

func (d *driver) Send(ctx context.Context, dl channel.Delivery) (channel.Receipt, error) {
	d.mu.Lock()
	d.got = append(d.got, dl)
	d.at = append(d.at, time.Now())
	var err error
	if len(d.answers) > 0 {
		err = d.answers[min(len(d.got), len(d.answers))-1]
	}
	d.mu.Unlock()
	if d.hold != nil {
		<-d.hold
	}
	if d.takes > 0 {
		select {
		case <-time.After(d.takes):
		case <-ctx.Done():
			return channel.Receipt{}, ctx.Err()
		}
	}
	return channel.Receipt{ID: fmt.Sprintf("id-%d", dl.Attempt)}, err
}

func (d *driver) AddressKind() string { return d.kind }

func (d *driver) Limits() channel.Limits { return d.limits }

func (d *driver) Validate(dl channel.Delivery) error {
	if d.refuse == nil {
		return nil
	}
	return d.refuse(dl)
}

func (d *driver) calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.got)
}

// quiet fills in what tests do not care about.
func quiet(c notify.Config) notify.Config {
	c.Logger = slog.New(slog.DiscardHandler)
	return c
}

func newNotifier(t *testing.T, c notify.Config) *notify.Notifier {
	t.Helper()
	n, err := notify.New(quiet(c))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close(context.Background())) })
	return n
}

// hello is a message to ann over the channels.
func hello(channels ...string) notify.Message {
	ann := notify.Recipient{ID: "ann", Addresses: map[string][]string{}}
	for _, name := range channels {
		ann.Addresses[name] = []string{"ann-" + name}
	}
	return notify.Message{To: []notify.Recipient{ann}, Channels: channels, Content: notify.Content{Title: "Hello", Text: "World"}}
}

// crowd is many recipients.
func crowd(n int) []notify.Recipient {
	pagers := make([]string, n)
	for i := range pagers {
		pagers[i] = strconv.Itoa(i)
	}
	return notify.To("pager", pagers...)
}

func fails(k channel.Kind) *channel.Error {
	return &channel.Error{Kind: k, Err: errors.New("vendor: no")}
}

func waits(k channel.Kind, d time.Duration) *channel.Error {
	return &channel.Error{Kind: k, RetryAfter: d, Err: errors.New("vendor: wait")}
}

func statuses(r notify.Report) []notify.Status {
	var s []notify.Status
	for _, o := range r.Deliveries {
		s = append(s, o.Status)
	}
	return s
}
