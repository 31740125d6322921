package otel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/e7ddda3c/notify"
)

// span writes the span of an attempt that has just ended. The span is the root of a trace, because the attempt may happen hours
// after the Send, in another process. All spans of a delivery have the same notify.delivery.id.
func (o *Observer) span(ctx context.Context, t notify.Transition, now time.Time) {
	_, span := o.tracer.Start(ctx, "send "+t.Channel,
		trace.WithTimestamp(now.Add(-t.Took)), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("notify.delivery.id", t.Delivery),
			attribute.String("notify.tenant.id", t.Tenant),
			attribute.String("notify.channel", t.Channel),
			attribute.String("notify.class", string(t.Class)),
			attribute.String("notify.result", result(t)),
			attribute.Int("notify.attempt", t.Attempts),
			attribute.Bool("notify.duplicate", t.Duplicate),
		))
	if t.Kind != "" {
		span.SetAttributes(attribute.String("error.type", string(t.Kind)))
		span.SetStatus(codes.Error, string(t.Kind))
	}
	span.End(trace.WithTimestamp(now))
}
