// Package otel counts and times what a [notify.Notifier] does, and traces its attempts, with OpenTelemetry.
//
// Attributes of metrics are the names of channels and words from closed lists. Spans have the ids of the delivery and of its tenant
// too. Nothing has an address or content. docs/observe.md lists the metrics, and alerts to begin with.
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

// scope is what tells our instruments and spans from others'.
const scope = "github.com/e7ddda3c/notify"

// Options configures an [Observer]. A nil *Options means all defaults.
type Options struct {
	// MeterProvider defaults to the global one.
	MeterProvider metric.MeterProvider
	// TracerProvider defaults to the global one.
	TracerProvider trace.TracerProvider
	// Store, that of the Notifier, is asked for the backlog when metrics are read. Without it there are no metrics of the backlog.
	Store store.Deliveries
	// Every is how long an answer of the Store is good for, however often metrics are read. Defaults to 10 s.
	Every time.Duration
}

// An Observer keeps the metrics of one Notifier, and traces its attempts. Its methods may be called by many goroutines at once.
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

// New returns an Observer. Its Observe goes into [notify.Config]'s OnTransition.
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
	call := []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}  // it ends with its deadline, of 30 s by default
	wait := []float64{.001, .005, .01, .05, .1, .5, 1, 5, 15, 60, 300, 1800, 7200} // a delivery may be tried for hours
	ob := &Observer{
		tracer:     tracers.Tracer(scope),
		accepted:   m.counter("deliveries.accepted", "{delivery}", "Deliveries that the store took."),
		settled:    m.counter("deliveries.settled", "{delivery}", "Deliveries that came to an end, by status and reason."),
		duplicates: m.counter("deliveries.duplicate", "{delivery}", "Deliveries that came to an end and that the recipient may have got more than once."),
		held:       m.counter("deliveries.held", "{wait}", "Times that a delivery began to wait, by reason."),
		received:   m.counter("receipts", "{receipt}", "Receipts of providers, by the status that they raised a delivery to; a repeated one counts again."),
		attempts:   m.counter("attempts", "{attempt}", "Calls of a channel that ended, by result: ok, or the kind of the failure."),
		lost:       m.counter("leases.lost", "{lease}", "Leases that were lost to another process."),
		pauses:     m.counter("channel.pauses", "{pause}", "Times that a channel was paused, by the kind of failure."),
		sent:       m.histogram("delivery.duration", "Time from acceptance until the provider had taken a delivery.", wait),
		calls:      m.histogram("attempt.duration", "Duration of a call of a channel.", call),
		delays:     m.histogram("attempt.delay", "How late a call of a channel began, since it was due.", wait),
	}
	if o.Store != nil {
		m.backlog(o.Store, cmp.Or(o.Every, 10*time.Second))
	}
	if m.err != nil {
		return nil, m.err
	}
	return ob, nil
}

// A maker makes instruments and remembers what went wrong.
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

// Observe takes note of t.
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

// expect lets what alerts look at begin at 0 with the first call, or its first rise would go unseen.
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

// failure returns the attributes of t's channel and its kind of failure.
func failure(t notify.Transition) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("notify.channel", t.Channel), attribute.String("notify.kind", string(t.Kind)))
}

// ending says what t brought its delivery to.
func ending(t notify.Transition) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("notify.status", string(t.Status)), attribute.String("notify.reason", string(t.Reason))}
}

// result says how an attempt ended.
func result(t notify.Transition) string {
	if t.Kind == "" {
		return "ok"
	}
	return string(t.Kind)
}
