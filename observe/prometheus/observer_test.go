package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	observe "github.com/e7ddda3c/notify/observe/prometheus"
	"github.com/e7ddda3c/notify/store"
)

// answers is a channel that takes a second for each call, and answers with each of errs once, then with success.
func answers(errs ...error) channel.Channel {
	return channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
		time.Sleep(time.Second)
		if len(errs) == 0 {
			return channel.Receipt{}, nil
		}
		err := errs[0]
		errs = errs[1:]
		return channel.Receipt{}, err
	})
}

// fails is a failure that asks to wait for 2 s.
func fails(k channel.Kind) error {
	return &channel.Error{Kind: k, RetryAfter: 2 * time.Second, Err: errors.New("no")}
}

func open(t *testing.T, o *observe.Options) (*prometheus.Registry, *observe.Observer) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	observer, err := observe.New(reg, o)
	require.NoError(t, err)
	return reg, observer
}

// metrics returns all values of reg, histograms as their sum and count, and holds the names to the conventions of Prometheus.
func metrics(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
	families, err := reg.Gather()
	require.NoError(t, err)
	values := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			set := func(suffix string, v float64) {
				values[fmt.Sprintf("%s%s{%s}", family.GetName(), suffix, strings.Join(labels, " "))] = v
			}
			switch {
			case m.Histogram != nil:
				set("_sum", m.GetHistogram().GetSampleSum())
				set("_count", float64(m.GetHistogram().GetSampleCount()))
			case m.Counter != nil:
				set("", m.GetCounter().GetValue())
			default:
				set("", m.GetGauge().GetValue())
			}
		}
	}
	return values
}

func TestSendWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, observer := open(t, nil)
		n, err := notify.New(notify.Config{
			Channels: notify.Channels{
				"email": answers(fails(channel.Uncertain)),
				"ops":   answers(fails(channel.RateLimited)),
				"sms":   answers(fails(channel.Rejected)),
			},
			OnTransition: observer.Observe,
			Logger:       slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		for _, name := range []string{"email", "ops", "sms"} {
			_, _ = n.Send(t.Context(), notify.Message{
				Tenant: "acme", Class: notify.OTP, To: notify.To(name, "secret"), Content: notify.Content{Text: "secret"},
			})
		}
		require.Equal(t, map[string]float64{
			// Labels are in the order of their names: channel, class, then kind, reason, result, status.
			"notify_leases_lost_total{email otp}":                          0,
			"notify_deliveries_settled_total{email otp exhausted failed}":  0,
			"notify_deliveries_settled_total{email otp exhausted unknown}": 0,
			"notify_channel_pauses_total{email misconfigured}":             0,
			"notify_leases_lost_total{ops otp}":                            0,
			"notify_deliveries_settled_total{ops otp exhausted failed}":    0,
			"notify_deliveries_settled_total{ops otp exhausted unknown}":   0,
			"notify_channel_pauses_total{ops misconfigured}":               0,
			"notify_leases_lost_total{sms otp}":                            0,
			"notify_deliveries_settled_total{sms otp exhausted failed}":    0,
			"notify_deliveries_settled_total{sms otp exhausted unknown}":   0,
			"notify_channel_pauses_total{sms misconfigured}":               0,
			"notify_attempt_delay_seconds_count{email otp}":                2,
			"notify_attempt_delay_seconds_count{ops otp}":                  2,
			"notify_attempt_delay_seconds_count{sms otp}":                  1,
			"notify_attempt_delay_seconds_sum{email otp}":                  0,
			"notify_attempt_delay_seconds_sum{ops otp}":                    0,
			"notify_attempt_delay_seconds_sum{sms otp}":                    0,
			"notify_attempt_duration_seconds_count{email}":                 2,
			"notify_attempt_duration_seconds_count{ops}":                   2,
			"notify_attempt_duration_seconds_count{sms}":                   1,
			"notify_attempt_duration_seconds_sum{email}":                   2,
			"notify_attempt_duration_seconds_sum{ops}":                     2,
			"notify_attempt_duration_seconds_sum{sms}":                     1,
			"notify_attempts_total{email otp ok}":                          1,
			"notify_attempts_total{email otp uncertain}":                   1,
			"notify_attempts_total{ops otp ok}":                            1,
			"notify_attempts_total{ops otp rate_limited}":                  1,
			"notify_attempts_total{sms otp rejected}":                      1,
			"notify_channel_pauses_total{ops rate_limited}":                1,
			"notify_deliveries_duplicate_total{email otp}":                 1,
			"notify_deliveries_held_total{email otp retry}":                1,
			"notify_deliveries_held_total{ops otp paused}":                 1,
			"notify_deliveries_settled_total{email otp  sent}":             1,
			"notify_deliveries_settled_total{ops otp  sent}":               1,
			"notify_deliveries_settled_total{sms otp rejected failed}":     1,
			"notify_delivery_duration_seconds_count{email otp}":            1,
			"notify_delivery_duration_seconds_count{ops otp}":              1,
			"notify_delivery_duration_seconds_sum{email otp}":              4,
			"notify_delivery_duration_seconds_sum{ops otp}":                4,
		}, metrics(t, reg))
	})
}

func TestWhatOnlyTheEngineTells(t *testing.T) {
	reg, observer := open(t, nil)
	mail := notify.Transition{Delivery: "1", Tenant: "acme", Channel: "email", Class: notify.Notice}
	tell := func(e notify.TransitionEvent, s notify.Status, r notify.Reason) {
		tr := mail
		tr.Event, tr.Status, tr.Reason = e, s, r
		observer.Observe(tr)
	}
	tell(notify.TransitionAccepted, notify.Accepted, "")
	tell(notify.TransitionLost, notify.Accepted, "")
	tell(notify.TransitionReceived, notify.Failed, notify.ReasonBounced)
	tell("from a later version", notify.Accepted, "")
	require.Equal(t, map[string]float64{
		"notify_deliveries_accepted_total{email notice}":     1,
		"notify_leases_lost_total{email notice}":             1,
		"notify_receipts_total{email notice bounced failed}": 1,
	}, metrics(t, reg))
}

// counts is a store that can only count.
type counts struct {
	store.Deliveries
	lanes []store.LaneCount
	err   error
	calls int
}

func (c *counts) CountDeliveries(context.Context, store.CountQuery) ([]store.LaneCount, error) {
	c.calls++
	return c.lanes, c.err
}

func TestBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counts{lanes: []store.LaneCount{{Lane: "email/otp", Due: 3, Later: 2, Oldest: time.Now().Add(-time.Minute)}}}
		reg, _ := open(t, &observe.Options{Store: s, Every: 5 * time.Second})
		want := map[string]float64{
			"notify_backlog_age_seconds{email otp}":      60,
			"notify_backlog_deliveries{email otp due}":   3,
			"notify_backlog_deliveries{email otp later}": 2,
			"notify_backlog_up{}":                        1,
		}
		require.Equal(t, want, metrics(t, reg))
		require.Equal(t, 1, s.calls, "however often it is asked")

		time.Sleep(5 * time.Second)
		s.err = errors.New("away")
		require.Equal(t, map[string]float64{"notify_backlog_up{}": 0}, metrics(t, reg))

		time.Sleep(5 * time.Second)
		s.err, s.lanes = nil, nil
		for name := range want {
			want[name] = 0
		}
		want["notify_backlog_up{}"] = 1
		require.Equal(t, want, metrics(t, reg))
	})
}

func TestNewRegistersAllOrNothing(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	taken := prometheus.NewCounter(prometheus.CounterOpts{Name: "notify_attempt_delay_seconds", Help: "Another's."})
	require.NoError(t, reg.Register(taken))
	_, err := observe.New(reg, nil)
	require.Error(t, err)
	require.True(t, reg.Unregister(taken))
	families, err := reg.Gather()
	require.NoError(t, err)
	require.Empty(t, families)
}

func TestTwoNotifiersInOneRegistry(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	for _, name := range []string{"shop", "billing"} {
		observer, err := observe.New(prometheus.WrapRegistererWith(prometheus.Labels{"notifier": name}, reg), nil)
		require.NoError(t, err)
		observer.Observe(notify.Transition{Event: notify.TransitionPaused, Channel: "sms", Kind: channel.Misconfigured})
	}
	require.Equal(t, map[string]float64{
		"notify_channel_pauses_total{sms misconfigured billing}": 1,
		"notify_channel_pauses_total{sms misconfigured shop}":    1,
	}, metrics(t, reg))

	_, err := observe.New(prometheus.WrapRegistererWith(prometheus.Labels{"notifier": "shop"}, reg), nil)
	var again prometheus.AlreadyRegisteredError
	require.ErrorAs(t, err, &again)
}
