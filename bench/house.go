package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

// A dialect is one kind of database.
type dialect struct {
	name  string // the group's, after "store-"
	title string
	open  func(context.Context) (*database, error)
	store func(*sql.DB, *sqlstore.Options) *sqlstore.Store
	place func(i int) string // the placeholder of the i-th argument, from 1
	loops int                // the number of parallel loops with the highest throughput
	step  func(context.Context, *looper) (int, error)
	// analyze holds statements that take statistics, as the database does by itself when idle.
	analyze []string
}

// A house is notify's side of a comparison: a store in a database of its own.
type house struct {
	*database
	dialect
	store *sqlstore.Store
}

func newHouse(ctx context.Context, d dialect) (*house, error) {
	base, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	h := &house{base, d, d.store(base.DB, nil)}
	if err := h.store.Migrate(ctx); err != nil {
		return nil, errors.Join(err, base.Close())
	}
	return h, nil
}

// A sender is a Notifier whose channels count or time their calls.
type sender struct {
	*notify.Notifier
	calls atomic.Int64
	// all is closed by call number expected.
	expected int64
	all      chan struct{}
	// called receives the time of each call of the channel "watched".
	called chan time.Time
}

// newSender returns a Notifier with channels that do nothing else, and defaults for all other settings.
func (h *house) newSender(expected int) (*sender, error) {
	s := &sender{expected: int64(expected), all: make(chan struct{}), called: make(chan time.Time, 1)}
	count := channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
		if s.calls.Add(1) == s.expected {
			close(s.all)
		}
		return channel.Receipt{}, nil
	})
	watch := channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
		s.called <- time.Now()
		return channel.Receipt{}, nil
	})
	var err error
	s.Notifier, err = notify.New(notify.Config{
		Channels: notify.Channels{"email": count, "sms": count, "watched": watch},
		Store:    h.store,
		Logger:   slog.New(slog.DiscardHandler),
	})
	return s, err
}

// running runs the engine until stop is called. stop waits for the engine to end.
func (s *sender) running(ctx context.Context) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// end closes the Notifier. The error is always nil, because the channels have nothing to close.
func (s *sender) end() { _ = s.Close(context.Background()) }

// letter returns the message that all benchmarks send.
func letter(channels ...string) notify.Message {
	m := notify.Message{Channels: channels, Content: notify.Content{Title: subject, Text: body}}
	m.To = []notify.Recipient{{ID: "ann", Addresses: map[string][]string{}}}
	for _, name := range channels {
		m.To[0].Addresses[name] = []string{to}
	}
	return m
}

// chunk is the number of messages per transaction that fill accepts.
const chunk = 500

// fill accepts count messages like m.
func (h *house) fill(ctx context.Context, count int, m notify.Message) error {
	n, err := h.newSender(0)
	if err != nil {
		return err
	}
	defer n.end()
	c := new(collector)
	for i := 1; i <= count; i++ {
		if _, err := n.In(c).Send(ctx, m); err != nil {
			return err
		}
		if i%chunk != 0 && i < count {
			continue
		}
		if _, err := h.store.AcceptMessages(ctx, c.messages); err != nil {
			return err
		}
		c.messages = c.messages[:0]
	}
	return nil
}

// A collector collects messages instead of accepting them.
type collector struct{ messages []store.NewMessage }

func (c *collector) AcceptMessages(_ context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
	c.messages = append(c.messages, ms...)
	return make([]store.Acceptance, len(ms)), nil
}

// drain fills the store with messages like m and returns the time from the start of the engine, with its defaults, until all
// messages are settled. It fails unless the engine makes the given number of calls.
func (h *house) drain(ctx context.Context, messages, calls int, m notify.Message) (time.Duration, error) {
	if err := h.fill(ctx, messages, m); err != nil {
		return 0, err
	}
	s, err := h.newSender(calls)
	if err != nil {
		return 0, err
	}
	defer s.end()
	begin := time.Now()
	stop := s.running(ctx)
	took, err := settled(ctx, begin, s.all, func() (bool, error) { return h.live(ctx) })
	if err := errors.Join(err, stop()); err != nil {
		return 0, err
	}
	if got := int(s.calls.Load()); got != calls {
		return 0, fmt.Errorf("%d calls, want %d", got, calls)
	}
	return took, nil
}

// live reports whether any delivery is not settled.
func (h *house) live(ctx context.Context) (bool, error) {
	lanes, err := h.store.CountDeliveries(ctx, store.CountQuery{Limit: 1})
	return len(lanes) > 0, err
}
