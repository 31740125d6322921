package prometheus_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/observe/internal/observetest"
	observe "github.com/e7ddda3c/notify/observe/prometheus"
	"github.com/e7ddda3c/notify/store"
)

var library = observetest.Library{
	Column: 0,
	Open: func(t *testing.T, s store.Deliveries, every time.Duration) observetest.Observer {
		reg := prometheus.NewPedanticRegistry()
		observer, err := observe.New(reg, &observe.Options{Store: s, Every: every})
		require.NoError(t, err)
		return observetest.Observer{
			Observe: observer.Observe,
			Numbers: func(t *testing.T) map[string]float64 { return metrics(t, reg) },
		}
	},
}

func TestObserver(t *testing.T) { observetest.Test(t, library) }

// metrics returns all values of reg, as described at [observetest.Observer], and checks the conventions of Prometheus for names.
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
				set(" sum", m.GetHistogram().GetSampleSum())
				set(" count", float64(m.GetHistogram().GetSampleCount()))
			case m.Counter != nil:
				set("", m.GetCounter().GetValue())
			default:
				set("", m.GetGauge().GetValue())
			}
		}
	}
	return values
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
