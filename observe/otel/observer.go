// Package otel exports metrics of a [notify.Notifier] and traces of its attempts to OpenTelemetry.
//
// The attributes of metrics are names of channels and words from closed lists. Spans also have the IDs of the delivery and of the
// tenant. No attribute contains an address or content. docs/observe.md lists the metrics, with alerts to start from.
package otel

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// scope is the instrumentation scope of our instruments and spans.
const scope = "github.com/e7ddda3c/notify"

// Options configures an [Observer]. A nil *Options means all defaults.
type Options struct {
	// MeterProvider defaults to the global one.
	MeterProvider metric.MeterProvider
	// TracerProvider defaults to the global one.
	TracerProvider trace.TracerProvider
	// Store is the Notifier's store, which is queried for the backlog when metrics are read. Nil means no backlog metrics.
	Store store.Deliveries
	// Every is the minimum time between two queries of the Store, however often metrics are read. Defaults to 10 s.
	Every time.Duration
}

// An Observer records metrics of one Notifier and traces of its attempts. Its methods are safe for concurrent use.
type Observer struct {
	tracer     trace.Tracer
	accepted   metric.Int64Counter
	settled    metric.Int64Counter
	duplicates metric.Int64Counter
	held       metric.Int64Counter
	received   metric.Int64Counter
	attempts   metric.Int64Counter
	lost       metric.Int64Counter
	pauses     metric.Int64Counter
	sent       metric.Float64Histogram
	calls      metric.Float64Histogram
	delays     metric.Float64Histogram
}

// New returns an Observer. Set OnTransition in [notify.Config] to the Observer's Observe method.
func New(o *Options) (*Observer, error) {
	if o == nil {
		o = &Options{}
	}
	meters, tracers := o.MeterProvider, o.TracerProvider
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	if tracers == nil {
		tracers = otel.GetTracerProvider()
	}
	m := maker{Meter: meters.Meter(scope)}
	call := []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}  // a call ends at its deadline, 30 s by default
	wait := []float64{.001, .005, .01, .05, .1, .5, 1, 5, 15, 60, 300, 1800, 7200} // retries may take hours
	ob := &Observer{
		tracer:     tracers.Tracer(scope),
		accepted:   m.counter("deliveries.accepted", "{delivery}", "Deliveries accepted by the store."),
		settled:    m.counter("deliveries.settled", "{delivery}", "Settled deliveries, by status and reason."),
		duplicates: m.counter("deliveries.duplicate", "{delivery}", "Settled deliveries that the recipient may have received more than once."),
		held:       m.counter("deliveries.held", "{wait}", "Times a delivery was held, by reason."),
		received:   m.counter("receipts", "{receipt}", "Receipts from providers, by the status and reason of the delivery afterwards; repeated receipts count again."),
		attempts:   m.counter("attempts", "{attempt}", "Finished channel calls, by result: ok, or the kind of failure."),
		lost:       m.counter("leases.lost", "{lease}", "Leases lost to another process."),
		pauses:     m.counter("channel.pauses", "{pause}", "Times a channel was paused, by kind of failure."),
		sent:       m.histogram("delivery.duration", "Time from the acceptance of a delivery until the provider took it.", wait),
		calls:      m.histogram("attempt.duration", "Duration of a channel call.", call),
		delays:     m.histogram("attempt.delay", "Delay between the due time of a channel call and its start.", wait),
	}
	if o.Store != nil {
		m.backlog(o.Store, cmp.Or(o.Every, 10*time.Second))
	}
	if m.err != nil {
		return nil, m.err
	}
	return ob, nil
}

// A maker creates instruments and collects their errors.
type maker struct {
	metric.Meter
	err error
}

func (m *maker) counter(name, unit, help string) metric.Int64Counter {
	c, err := m.Int64Counter("notify."+name, metric.WithUnit(unit), metric.WithDescription(help))
	m.err = errors.Join(m.err, err)
	return c
}

func (m *maker) histogram(name, help string, buckets []float64) metric.Float64Histogram {
	h, err := m.Float64Histogram("notify."+name, metric.WithUnit("s"), metric.WithDescription(help), metric.WithExplicitBucketBoundaries(buckets...))
	m.err = errors.Join(m.err, err)
	return h
}

func (m *maker) gauge(name, unit, help string) metric.Float64ObservableGauge {
	g, err := m.Float64ObservableGauge("notify."+name, metric.WithUnit(unit), metric.WithDescription(help))
	m.err = errors.Join(m.err, err)
	return g
}

// Observe records t.
func (o *Observer) Observe(t notify.Transition) {
	ctx := context.Background()
	switch t.Event {
	case notify.TransitionAccepted:
		o.accepted.Add(ctx, 1, lane(t))
	case notify.TransitionStarted:
		o.delays.Record(ctx, t.Took.Seconds(), lane(t))
		o.expect(ctx, t)
	case notify.TransitionAttempted:
		o.attempts.Add(ctx, 1, lane(t, attribute.String("notify.result", result(t))))
		o.calls.Record(ctx, t.Took.Seconds(), metric.WithAttributes(attribute.String("notify.channel", t.Channel)))
		o.span(ctx, t, time.Now())
	case notify.TransitionHeld:
		o.held.Add(ctx, 1, lane(t, attribute.String("notify.reason", string(t.Reason))))
	case notify.TransitionSettled:
		o.end(ctx, t)
	case notify.TransitionReceived:
		o.received.Add(ctx, 1, lane(t, ending(t)...))
	case notify.TransitionLost:
		o.lost.Add(ctx, 1, lane(t))
	case notify.TransitionPaused:
		o.pauses.Add(ctx, 1, failure(t))
	}
}

// expect starts the series that alerts watch at 0, with the first call. Otherwise an alert would not see their first increase.
func (o *Observer) expect(ctx context.Context, t notify.Transition) {
	o.lost.Add(ctx, 0, lane(t))
	for _, t.Status = range []notify.Status{notify.Failed, notify.Unknown} {
		t.Reason = notify.ReasonExhausted
		o.settled.Add(ctx, 0, lane(t, ending(t)...))
	}
	t.Kind = channel.Misconfigured
	o.pauses.Add(ctx, 0, failure(t))
}

func (o *Observer) end(ctx context.Context, t notify.Transition) {
	o.settled.Add(ctx, 1, lane(t, ending(t)...))
	if t.Status.Reaches(notify.Sent) {
		o.sent.Record(ctx, t.Took.Seconds(), lane(t))
	}
	if t.Duplicate {
		o.duplicates.Add(ctx, 1, lane(t))
	}
}

// lane returns the attributes of t's channel and class, and more.
func lane(t notify.Transition, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(append(more, attribute.String("notify.channel", t.Channel), attribute.String("notify.class", string(t.Class)))...)
}

// failure returns the attributes of t's channel and kind of failure.
func failure(t notify.Transition) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("notify.channel", t.Channel), attribute.String("notify.kind", string(t.Kind)))
}

// ending returns the attributes of t's status and reason.
func ending(t notify.Transition) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("notify.status", string(t.Status)), attribute.String("notify.reason", string(t.Reason))}
}

// result returns "ok", or the kind of failure of an attempt.
func result(t notify.Transition) string {
	if t.Kind == "" {
		return "ok"
	}
	return string(t.Kind)
}
