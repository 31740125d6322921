package otel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/e7ddda3c/notify/observe/internal/backlog"
	"github.com/e7ddda3c/notify/store"
)

// backlog makes the instruments that ask s when metrics are read.
func (m *maker) backlog(s store.Deliveries, every time.Duration) {
	counter := backlog.New(s, every)
	up := m.gauge("backlog.up", "1", "Whether the store answered when it was last asked for the backlog.")
	deliveries := m.gauge("backlog.deliveries", "{delivery}", "Deliveries that are not settled: due now, or later; as far as the store counts.")
	age := m.gauge("backlog.age", "s", "How long the longest due delivery has been due; 0 if none is.")
	if m.err != nil {
		return
	}
	_, err := m.RegisterCallback(func(ctx context.Context, out metric.Observer) error {
		lanes, err := counter.Lanes(ctx)
		if err != nil {
			out.ObserveFloat64(up, 0)
			otel.Handle(fmt.Errorf("notify: the backlog: %w", err)) // returned, it would keep readers from exporting anything
			return nil
		}
		out.ObserveFloat64(up, 1)
		now := time.Now()
		for _, lane := range lanes {
			attributes := func(more ...attribute.KeyValue) metric.MeasurementOption {
				return metric.WithAttributes(append(more,
					attribute.String("notify.channel", lane.Lane.Channel()), attribute.String("notify.class", lane.Lane.Class()))...)
			}
			out.ObserveFloat64(deliveries, float64(lane.Due), attributes(attribute.String("notify.state", "due")))
			out.ObserveFloat64(deliveries, float64(lane.Later), attributes(attribute.String("notify.state", "later")))
			out.ObserveFloat64(age, backlog.Age(lane, now).Seconds(), attributes())
		}
		return nil
	}, up, deliveries, age)
	m.err = errors.Join(m.err, err)
}
