package backlog_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/observe/internal/backlog"
	"github.com/e7ddda3c/notify/store"
)

// counts is a store that can only count. Each call returns the next of the answers.
type counts struct {
	store.Deliveries
	answers [][]store.LaneCount // nil: an error
	calls   int
}

func (c *counts) CountDeliveries(ctx context.Context, _ store.CountQuery) ([]store.LaneCount, error) {
	if _, ok := ctx.Deadline(); !ok {
		return nil, errors.New("the count must have a deadline")
	}
	answer := c.answers[min(c.calls, len(c.answers)-1)]
	c.calls++
	if answer == nil {
		return nil, errors.New("the store is away")
	}
	return answer, nil
}

func TestCounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		since := time.Now()
		mail := store.LaneCount{Lane: "email/otp", Due: 2, Later: 1, Oldest: since}
		text := store.LaneCount{Lane: "sms/otp", Later: 1}
		s := &counts{answers: [][]store.LaneCount{{text, mail}, {text}, nil, {}}}
		c := backlog.New(s, 10*time.Second)

		lanes, err := c.Lanes(t.Context())
		require.NoError(t, err)
		require.Equal(t, []store.LaneCount{mail, text}, lanes)

		time.Sleep(9 * time.Second)
		again, err := c.Lanes(t.Context())
		require.NoError(t, err)
		require.Equal(t, lanes, again)
		require.Equal(t, 1, s.calls, "it was counted just now")
		require.Equal(t, 9*time.Second, backlog.Age(again[0], time.Now()))
		require.Zero(t, backlog.Age(again[0], since.Add(-time.Second)), "a store whose clock is ahead")

		time.Sleep(time.Second)
		lanes, err = c.Lanes(t.Context())
		require.NoError(t, err)
		require.Equal(t, []store.LaneCount{{Lane: "email/otp"}, text}, lanes, "an empty lane is counted as 0")
		require.Zero(t, backlog.Age(lanes[0], time.Now()))

		time.Sleep(10 * time.Second)
		for range 2 {
			_, err = c.Lanes(t.Context())
			require.Error(t, err)
		}
		require.Equal(t, 3, s.calls, "a store that is away is not asked more often than one that answers")

		time.Sleep(10 * time.Second)
		lanes, err = c.Lanes(t.Context())
		require.NoError(t, err)
		require.Equal(t, []store.LaneCount{{Lane: "email/otp"}, {Lane: "sms/otp"}}, lanes)
	})
}
