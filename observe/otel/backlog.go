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

// backlog creates the instruments that query s when metrics are read.
func (m *maker) backlog(s store.Deliveries, every time.Duration) {
	counter := backlog.New(s, every)
	up := m.gauge("backlog.up", "1", "1 if the store answered the last query of the backlog, otherwise 0.")
	deliveries := m.gauge("backlog.deliveries", "{delivery}", "Unsettled deliveries, due now or later, up to the limit of the store's count.")
	age := m.gauge("backlog.age", "s", "Time since the oldest due delivery became due; 0 if none is due.")
	if m.err != nil {
		return
	}
	_, err := m.RegisterCallback(func(ctx context.Context, out metric.Observer) error {
		lanes, err := counter.Lanes(ctx)
		if err != nil {
			out.ObserveFloat64(up, 0)
			otel.Handle(fmt.Errorf("notify: count the backlog: %w", err)) // returning the error would keep readers from exporting any metric
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
