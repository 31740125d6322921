package channeltest_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
)

// delivery returns a Delivery in which every slice and pointer is set.
func delivery() channel.Delivery {
	return channel.Delivery{
		ID: "d-1", To: "ann@example.com",
		Content: channel.Content{Title: "Order shipped", Text: "Your parcel is here", Approved: &channel.Approved{
			Name: "shipped", Params: []channel.Param{{Name: "order", Value: "number 17"}}}},
		Attachments: []channel.Attachment{{Name: "bill.txt", Data: []byte("seventeen")}},
		Extra:       []byte(`{"a":1}`),
	}
}

func TestRecorderKeepsEveryRule(t *testing.T) {
	local := "nothing leaves the process"
	var rec *channeltest.Recorder
	channeltest.Run(t, channeltest.Suite{
		Open: func(_ *testing.T, p channeltest.Peer) channel.Channel {
			rec = &channeltest.Recorder{}
			if p == channeltest.BadRecipient {
				rec.Fail(&channel.Error{Kind: channel.InvalidRecipient})
			}
			return rec
		},
		Delivery: delivery(),
		Received: func() []string {
			var all []string
			for _, d := range rec.Deliveries() {
				all = append(all, fmt.Sprintf("\n\n%+v", d))
			}
			return all
		},
		Cannot: map[channeltest.Peer]string{channeltest.Silent: local, channeltest.Cuts: local, channeltest.Refuses: local,
			channeltest.Throttles: local, channeltest.Denies: local, channeltest.Fails: local},
		AnyExtra: true,
	})
}

func TestRecorderRemembersACopy(t *testing.T) {
	var rec channeltest.Recorder
	d := delivery()
	receipt, err := rec.Send(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, "d-1", receipt.DeliveryID)
	d.Extra[1], d.Attachments[0].Data[0], d.Content.Approved.Params[0].Value = '!', '!', "!"
	require.Equal(t, []channel.Delivery{delivery()}, rec.Deliveries())
}

func TestRecorderFailsAndHeals(t *testing.T) {
	var rec channeltest.Recorder
	fault := &channel.Error{Kind: channel.RateLimited, RetryAfter: time.Minute}
	rec.Fail(fault)
	_, err := rec.Send(t.Context(), delivery())
	require.Equal(t, fault, err)
	rec.Fail(nil)
	_, err = rec.Send(t.Context(), delivery())
	require.NoError(t, err)
	require.Len(t, rec.Deliveries(), 2, "failures count")
}

func TestRecorderAnswersByDelivery(t *testing.T) {
	var rec channeltest.Recorder
	rec.Answer(func(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
		if d.To == "bob@example.com" {
			return channel.Receipt{}, channel.InvalidRecipient
		}
		return channel.Receipt{ID: "x"}, nil
	})
	_, err := rec.Send(t.Context(), channel.Delivery{To: "bob@example.com"})
	require.ErrorIs(t, err, channel.InvalidRecipient)
	_, err = rec.Send(t.Context(), delivery())
	require.NoError(t, err)
}

func TestRecorderDeclaresItsKind(t *testing.T) {
	require.Equal(t, channel.Phone, channel.AddressKind(&channeltest.Recorder{Kind: channel.Phone}))
	require.Empty(t, channel.AddressKind(&channeltest.Recorder{}))
}

func TestWaitSeesWhatManyGoroutinesSend(t *testing.T) {
	const n = 50
	var rec channeltest.Recorder
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { _, _ = rec.Send(t.Context(), delivery()) })
	}
	require.Len(t, rec.Wait(t, n), n)
	wg.Wait()
}

func TestWaitGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rec channeltest.Recorder
		tb := &spy{TB: t}
		start := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			rec.Wait(tb, 1)
		}()
		<-done
		require.Equal(t, 10*time.Second, time.Since(start))
		require.Error(t, tb.fatal)
	})
}

// spy records a call of Fatalf.
type spy struct {
	testing.TB
	fatal error
}

func (s *spy) Helper() {}

func (s *spy) Fatalf(format string, args ...any) {
	s.fatal = fmt.Errorf(format, args...)
	runtime.Goexit()
}
