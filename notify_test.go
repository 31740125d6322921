package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

func TestSendOnTheDefault(t *testing.T) {
	_, err := notify.Send(t.Context(), notify.Message{})
	require.ErrorIs(t, err, notify.ErrNoDefault)

	d := &driver{}
	notify.SetDefault(newNotifier(t, notify.Config{Channels: notify.Channels{"pager": d}}))
	t.Cleanup(func() { notify.SetDefault(nil) })
	_, err = notify.Send(t.Context(), hello("pager"))
	require.NoError(t, err)
	require.Equal(t, 1, d.calls())
}

// A drainer keeps the ctx of its Close.
type drainer struct {
	driver
	ctx context.Context
}

func (d *drainer) Close(ctx context.Context) error { d.ctx = ctx; return nil }

func TestCloseClosesEachChannelOnce(t *testing.T) {
	socket, closed := errors.New("socket"), 0
	c, d := &closer{close: func() error { closed++; return socket }}, &drainer{}
	n, err := notify.New(notify.Config{Channels: notify.Channels{
		"a": c, "b": c, "c": d, "f": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) { return channel.Receipt{}, nil }),
	}})
	require.NoError(t, err)
	require.ErrorIs(t, n.Close(t.Context()), socket)
	_ = n.Close(t.Context())
	require.Equal(t, 1, closed)
	require.Equal(t, t.Context(), d.ctx)
	_, err = n.Send(t.Context(), hello("a"))
	require.ErrorIs(t, err, notify.ErrClosed)
}

func TestCloseBlamesNoStoreThatThereIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": &driver{answers: []error{waits(channel.Temporary, time.Second), nil}}}})
		go func() { _, _ = n.Send(t.Context(), hello("pager")) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := n.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotContains(t, err.Error(), "the store")
		require.NoError(t, n.Close(t.Context()), "the retry has ended")
	})
}

func TestCloseWithAnEndedCtxIsNoErrorWhenNothingRuns(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // a select between two ready channels is random
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"a": &driver{}}})
		require.NoError(t, n.Close(ctx))
	}
}

func TestCloseClosesTheOthersAfterAPanic(t *testing.T) {
	closed := 0
	n := newNotifier(t, notify.Config{Channels: notify.Channels{
		"a": &closer{close: func() error { panic("close") }},
		"b": &closer{close: func() error { closed++; return nil }},
	}})
	require.ErrorContains(t, n.Close(t.Context()), "a: ")
	require.Equal(t, 1, closed)
}

func TestReportReadsTheSameAfterAReload(t *testing.T) {
	d := &driver{answers: []error{&channel.Error{Kind: channel.Rejected, Field: "content.title", Code: "40035", RetryAfter: time.Minute, Err: errors.New("vendor: no")}}}
	n := newNotifier(t, notify.Config{Channels: notify.Channels{"a": d, "b": &driver{}, "c": &driver{answers: []error{context.Canceled}}}, Policies: map[string]notify.Policy{"": {Attempts: 1}}})
	first, err := n.Send(t.Context(), hello("a", "b", "c"))
	require.Error(t, err)

	b, err := json.Marshal(first)
	require.NoError(t, err)
	var again notify.Report
	require.NoError(t, json.Unmarshal(b, &again))
	require.Equal(t, first.Err().Error(), again.Err().Error())
	require.ErrorIs(t, again.Err(), channel.Rejected)
	require.Equal(t, statuses(first), statuses(again))
	b2, err := json.Marshal(again)
	require.NoError(t, err)
	require.JSONEq(t, string(b), string(b2))
}

func TestTheZeroOutcomeIsNoSuccess(t *testing.T) {
	var o notify.Outcome
	require.False(t, o.Status.Settled())
	require.False(t, o.Status.Reaches(notify.Sent))
	require.False(t, o.Reached)
	require.False(t, notify.Sent.Reaches(""), "a status must not reach the empty level")
}

func TestLogsHoldNoAddressAndNoContent(t *testing.T) {
	var log bytes.Buffer
	n := newNotifier(t, notify.Config{
		Channels: notify.Channels{"p": channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) { panic("ann-p World") }),
			"m": &driver{answers: []error{&channel.Error{Kind: channel.Misconfigured, Err: errors.New("ann-m World")}}}},
		Policies: map[string]notify.Policy{"": {Attempts: 1}},
		Logger:   slog.New(slog.NewTextHandler(&log, nil)),
	})
	_, err := n.Send(t.Context(), hello("p", "m"))
	require.Error(t, err)
	require.NoError(t, n.Close(t.Context()))
	require.Contains(t, log.String(), "panic")
	require.Contains(t, log.String(), "paused")
	for _, secret := range []string{"ann-p", "ann-m", "World", "Hello"} {
		require.NotContains(t, log.String(), secret)
	}
}

func TestPolicyResolvesFieldByField(t *testing.T) {
	// Attempts come from the channel's policy, and the backoff of 1 ns from the general policy.
	d := &driver{answers: []error{fails(channel.Temporary)}}
	n := newNotifier(t, notify.Config{
		Channels: notify.Channels{"pager": d},
		Policies: map[string]notify.Policy{"pager": {Attempts: 2}, "": {Attempts: 9, Backoff: 1}},
	})
	begun := time.Now()
	_, err := n.Send(t.Context(), hello("pager"))
	require.ErrorIs(t, err, channel.Temporary)
	require.Equal(t, 2, d.calls())
	require.Less(t, time.Since(begun), time.Second)
}
