package prometheus

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/e7ddda3c/notify/observe/internal/backlog"
)

// A collector queries the store for the backlog at each scrape.
type collector struct {
	counter    *backlog.Counter
	up         *prometheus.Desc
	deliveries *prometheus.Desc
	age        *prometheus.Desc
}

func newCollector(o *Options) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("notify_backlog_"+name, help, labels, nil)
	}
	return &collector{
		counter:    backlog.New(o.Store, cmp.Or(o.Every, 10*time.Second)),
		up:         desc("up", "1 if the store answered the last query of the backlog, otherwise 0."),
		deliveries: desc("deliveries", "Unsettled deliveries, due now or later, up to the limit of the store's count.", "channel", "class", "state"),
		age:        desc("age_seconds", "Time since the oldest due delivery became due; 0 if none is due.", "channel", "class"),
	}
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.up
	ch <- c.deliveries
	ch <- c.age
}

// Collect implements [prometheus.Collector]. If the store does not answer, the scrape succeeds without the backlog.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	lanes, err := c.counter.Lanes(context.Background())
	if err != nil {
		gauge(c.up, 0)
		return
	}
	gauge(c.up, 1)
	now := time.Now()
	for _, lane := range lanes {
		channel, class := lane.Lane.Channel(), lane.Lane.Class()
		gauge(c.deliveries, float64(lane.Due), channel, class, "due")
		gauge(c.deliveries, float64(lane.Later), channel, class, "later")
		gauge(c.age, backlog.Age(lane, now).Seconds(), channel, class)
	}
}
