package otel_test

import (
	"errors"
	"fmt"
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

	"github.com/e7ddda3c/notify/observe/internal/observetest"
	observe "github.com/e7ddda3c/notify/observe/otel"
	"github.com/e7ddda3c/notify/store"
)

var library = observetest.Library{
	Column: 1,
	Open: func(t *testing.T, s store.Deliveries, every time.Duration) observetest.Observer {
		reader, spans, observer := open(t, observe.Options{Store: s, Every: every})
		return observetest.Observer{
			Observe: observer.Observe,
			Numbers: func(t *testing.T) map[string]float64 { return metrics(t, reader) },
			Spans:   func() int { return len(spans.Ended()) },
		}
	},
}

func TestObserver(t *testing.T) {
	var handled error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { handled = err }))
	observetest.Test(t, library)
	require.ErrorIs(t, handled, observetest.ErrAway)
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

// metrics returns all values of r, as described at [observetest.Observer], and checks names, descriptions and units.
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
					set(" sum", p.Attributes, p.Sum)
					set(" count", p.Attributes, float64(p.Count))
				}
			default:
				t.Fatalf("%s is a %T", m.Name, data)
			}
		}
	}
	return values
}

func TestSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, spans, observer := open(t, observe.Options{})
		begin := time.Now()
		observetest.Send(t, observer.Observe)

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

func TestNewReturnsTheErrorOfAnInstrument(t *testing.T) {
	_, err := observe.New(&observe.Options{MeterProvider: broken{}})
	require.Error(t, err)
}

// broken is a MeterProvider whose meters cannot create counters.
type broken struct{ noop.MeterProvider }

func (broken) Meter(string, ...api.MeterOption) api.Meter { return brokenMeter{} }

type brokenMeter struct{ noop.Meter }

func (brokenMeter) Int64Counter(string, ...api.Int64CounterOption) (api.Int64Counter, error) {
	return nil, errors.New("no counters")
}
