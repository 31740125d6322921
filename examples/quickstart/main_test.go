package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
)

func TestOnceSendsOverAllChannelsAndPrintsTheReport(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, "127.0.0.1:0", true))
	var report notify.Report
	require.NoError(t, json.Unmarshal(out.Bytes(), &report))
	var sent []string
	for _, o := range report.Deliveries {
		require.Equal(t, notify.Sent, o.Status, o.Channel)
		sent = append(sent, o.Channel)
	}
	require.Equal(t, []string{"email", "sms", "dingtalk", "page"}, sent)
}

func TestAPeerThatRefusesIsMissed(t *testing.T) {
	for _, channel := range []string{"email", "sms", "dingtalk"} {
		for _, behavior := range []string{"throttles", "refuses"} {
			t.Run(channel+" "+behavior, func(t *testing.T) {
				s, err := openShop(t.Context(), func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") })
				require.NoError(t, err)
				t.Cleanup(s.close)
				s.peers.setBehavior(channel, behavior)
				report, err := s.notifier.Send(t.Context(), notify.Message{
					To: notify.Users("ann"), Channels: []string{channel}, Content: notify.Content{Title: "P-1", Text: "P-1"},
				})
				require.Error(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				require.Equal(t, []string{channel}, s.peers.missing(ctx, report, "P-1"))
			})
		}
	}
}
