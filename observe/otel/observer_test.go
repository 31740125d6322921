package otel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	api "go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	observe "github.com/e7ddda3c/notify/observe/otel"
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

func open(t *testing.T, o observe.Options) (*metric.ManualReader, *tracetest.SpanRecorder, *observe.Observer) {
	t.Helper()
	reader, spans := metric.NewManualReader(), tracetest.NewSpanRecorder()
	o.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
	o.TracerProvider = trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	observer, err := observe.New(&o)
	require.NoError(t, err)
	return reader, spans, observer
}

// metrics returns all values of r, histograms as their sum and count.
func metrics(t *testing.T, r *metric.ManualReader) map[string]float64 {
	t.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(t, r.Collect(t.Context(), &data))
	values := make(map[string]float64)
	for _, scope := range data.ScopeMetrics {
		require.Equal(t, "github.com/e7ddda3c/notify", scope.Scope.Name)
		for _, m := range scope.Metrics {
			require.NotEmpty(t, m.Description)
			require.NotEmpty(t, m.Unit)
			set := func(suffix string, labels attribute.Set, v float64) {
				var words []string
				for _, l := range labels.ToSlice() {
					words = append(words, l.Value.AsString())
				}
				values[fmt.Sprintf("%s%s{%s}", m.Name, suffix, strings.Join(words, " "))] = v
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				require.True(t, data.IsMonotonic)
				for _, p := range data.DataPoints {
					set("", p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					set("", p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					set(".sum", p.Attributes, p.Sum)
					set(".count", p.Attributes, float64(p.Count))
				}
			default:
				t.Fatalf("%s is a %T", m.Name, data)
			}
		}
	}
	return values
}

// send sends a message over each of three channels, of which one is in doubt first, one is throttled first and one refuses.
func send(t *testing.T, observer *observe.Observer) {
	t.Helper()
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
}

func TestMetricsOfSendWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, _, observer := open(t, observe.Options{})
		send(t, observer)
		require.Equal(t, map[string]float64{
			// Attributes are in the order of their names: channel, class, then kind, reason, result, status.
			"notify.leases.lost{email otp}":                          0,
			"notify.deliveries.settled{email otp exhausted failed}":  0,
			"notify.deliveries.settled{email otp exhausted unknown}": 0,
			"notify.channel.pauses{email misconfigured}":             0,
			"notify.leases.lost{ops otp}":                            0,
			"notify.deliveries.settled{ops otp exhausted failed}":    0,
			"notify.deliveries.settled{ops otp exhausted unknown}":   0,
			"notify.channel.pauses{ops misconfigured}":               0,
			"notify.leases.lost{sms otp}":                            0,
			"notify.deliveries.settled{sms otp exhausted failed}":    0,
			"notify.deliveries.settled{sms otp exhausted unknown}":   0,
			"notify.channel.pauses{sms misconfigured}":               0,
			"notify.attempt.delay.count{email otp}":                  2,
			"notify.attempt.delay.count{ops otp}":                    2,
			"notify.attempt.delay.count{sms otp}":                    1,
			"notify.attempt.delay.sum{email otp}":                    0,
			"notify.attempt.delay.sum{ops otp}":                      0,
			"notify.attempt.delay.sum{sms otp}":                      0,
			"notify.attempt.duration.count{email}":                   2,
			"notify.attempt.duration.count{ops}":                     2,
			"notify.attempt.duration.count{sms}":                     1,
			"notify.attempt.duration.sum{email}":                     2,
			"notify.attempt.duration.sum{ops}":                       2,
			"notify.attempt.duration.sum{sms}":                       1,
			"notify.attempts{email otp ok}":                          1,
			"notify.attempts{email otp uncertain}":                   1,
			"notify.attempts{ops otp ok}":                            1,
			"notify.attempts{ops otp rate_limited}":                  1,
			"notify.attempts{sms otp rejected}":                      1,
			"notify.channel.pauses{ops rate_limited}":                1,
			"notify.deliveries.duplicate{email otp}":                 1,
			"notify.deliveries.held{email otp retry}":                1,
			"notify.deliveries.held{ops otp paused}":                 1,
			"notify.deliveries.settled{email otp  sent}":             1,
			"notify.deliveries.settled{ops otp  sent}":               1,
			"notify.deliveries.settled{sms otp rejected failed}":     1,
			"notify.delivery.duration.count{email otp}":              1,
			"notify.delivery.duration.count{ops otp}":                1,
			"notify.delivery.duration.sum{email otp}":                4,
			"notify.delivery.duration.sum{ops otp}":                  4,
		}, metrics(t, reader))
	})
}

func TestSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, spans, observer := open(t, observe.Options{})
		begin := time.Now()
		send(t, observer)

		ended := spans.Ended()
		require.Len(t, ended, 5)
		first, second := ended[0], ended[1]
		require.Equal(t, "send email", first.Name())
		require.Equal(t, begin, first.StartTime())
		require.Equal(t, begin.Add(time.Second), first.EndTime())
		require.Equal(t, trace.Status{Code: codes.Error, Description: "uncertain"}, first.Status())
		require.Equal(t, begin.Add(3*time.Second), second.StartTime())
		require.Equal(t, begin.Add(4*time.Second), second.EndTime())
		require.Equal(t, trace.Status{}, second.Status())

		var all []string
		for _, a := range second.Attributes() {
			if a.Key == "notify.delivery.id" {
				require.NotEmpty(t, a.Value.AsString())
				continue
			}
			all = append(all, string(a.Key)+"="+a.Value.String())
		}
		require.ElementsMatch(t, []string{
			"notify.tenant.id=acme", "notify.channel=email", "notify.class=otp", "notify.result=ok", "notify.attempt=2", "notify.duplicate=true",
		}, all)
	})
}

func TestWhatOnlyTheEngineTells(t *testing.T) {
	reader, spans, observer := open(t, observe.Options{})
	for event, status := range map[notify.TransitionEvent]notify.Status{
		notify.TransitionAccepted: notify.Accepted, notify.TransitionLost: notify.Accepted, notify.TransitionReceived: notify.Delivered,
		"from a later version": notify.Accepted,
	} {
		observer.Observe(notify.Transition{Event: event, Delivery: "1", Tenant: "acme", Channel: "email", Class: notify.Notice, Status: status})
	}
	require.Equal(t, map[string]float64{
		"notify.deliveries.accepted{email notice}": 1,
		"notify.leases.lost{email notice}":         1,
		"notify.receipts{email notice  delivered}": 1,
	}, metrics(t, reader))
	require.Empty(t, spans.Ended())
}

// counts is a store that can only count.
type counts struct {
	store.Deliveries
	lanes []store.LaneCount
	err   error
}

func (c *counts) CountDeliveries(context.Context, store.CountQuery) ([]store.LaneCount, error) {
	return c.lanes, c.err
}

func TestBacklog(t *testing.T) {
	var handled error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { handled = err }))
	synctest.Test(t, func(t *testing.T) {
		s := &counts{lanes: []store.LaneCount{{Lane: "email/otp", Due: 3, Later: 2, Oldest: time.Now().Add(-time.Minute)}}}
		reader, _, _ := open(t, observe.Options{Store: s, Every: 5 * time.Second})
		require.Equal(t, map[string]float64{
			"notify.backlog.age{email otp}":              60,
			"notify.backlog.deliveries{email otp due}":   3,
			"notify.backlog.deliveries{email otp later}": 2,
			"notify.backlog.up{}":                        1,
		}, metrics(t, reader))

		time.Sleep(5 * time.Second)
		s.err = errors.New("away")
		require.Equal(t, map[string]float64{"notify.backlog.up{}": 0}, metrics(t, reader))
		require.ErrorIs(t, handled, s.err)
	})
}

func TestNewTellsWhatIsWrong(t *testing.T) {
	_, err := observe.New(&observe.Options{MeterProvider: broken{}})
	require.Error(t, err)
}

// broken is a MeterProvider whose meters make no counters.
type broken struct{ noop.MeterProvider }

func (broken) Meter(string, ...api.MeterOption) api.Meter { return brokenMeter{} }

type brokenMeter struct{ noop.Meter }

func (brokenMeter) Int64Counter(string, ...api.Int64CounterOption) (api.Int64Counter, error) {
	return nil, errors.New("no counters")
}
