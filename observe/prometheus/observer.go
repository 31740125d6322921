// Package prometheus exports metrics of a [notify.Notifier] to Prometheus.
//
// Labels are names of channels and words from closed lists, never tenants, IDs, addresses or content. docs/observe.md lists the
// metrics, with alerts to start from.
package prometheus

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// Options configures an [Observer]. A nil *Options means all defaults.
type Options struct {
	// Store is the Notifier's store, which is queried for the backlog when Prometheus scrapes. Nil means no backlog metrics.
	Store store.Deliveries
	// Every is the minimum time between two queries of the Store, however often Prometheus scrapes. Defaults to 10 s.
	Every time.Duration
}

// An Observer records metrics of one Notifier. Its methods are safe for concurrent use.
type Observer struct {
	accepted   *prometheus.CounterVec
	settled    *prometheus.CounterVec
	duplicates *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	held       *prometheus.CounterVec
	received   *prometheus.CounterVec
	lost       *prometheus.CounterVec
	pauses     *prometheus.CounterVec
	sent       *prometheus.HistogramVec
	calls      *prometheus.HistogramVec
	delays     *prometheus.HistogramVec
}

// New returns an Observer and registers its metrics with reg; nil means prometheus.DefaultRegisterer. Set OnTransition in
// [notify.Config] to the Observer's Observe method. Several Notifiers in one process need a registerer each, made with
// prometheus.WrapRegistererWith and a label that distinguishes them.
func New(reg prometheus.Registerer, o *Options) (*Observer, error) {
	if reg == nil {
		reg = prometheus.DefaultRegisterer
	}
	if o == nil {
		o = &Options{}
	}
	lane := []string{"channel", "class"}
	call := []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}  // a call ends at its deadline, 30 s by default
	wait := []float64{.001, .005, .01, .05, .1, .5, 1, 5, 15, 60, 300, 1800, 7200} // retries may take hours
	ob := &Observer{
		accepted:   counter("deliveries_accepted_total", "Deliveries accepted by the store.", lane...),
		settled:    counter("deliveries_settled_total", "Settled deliveries, by status and reason.", "channel", "class", "status", "reason"),
		duplicates: counter("deliveries_duplicate_total", "Settled deliveries that the recipient may have received more than once.", lane...),
		held:       counter("deliveries_held_total", "Times a delivery was held, by reason.", "channel", "class", "reason"),
		received:   counter("receipts_total", "Receipts from providers, by the status and reason of the delivery afterwards; repeated receipts count again.", "channel", "class", "status", "reason"),
		attempts:   counter("attempts_total", "Finished channel calls, by result: ok, or the kind of failure.", "channel", "class", "result"),
		lost:       counter("leases_lost_total", "Leases lost to another process.", lane...),
		pauses:     counter("channel_pauses_total", "Times a channel was paused, by kind of failure.", "channel", "kind"),
		sent:       histogram("delivery_duration_seconds", "Time from the acceptance of a delivery until the provider took it.", wait, lane...),
		calls:      histogram("attempt_duration_seconds", "Duration of a channel call.", call, "channel"),
		delays:     histogram("attempt_delay_seconds", "Delay between the due time of a channel call and its start.", wait, lane...),
	}
	all := []prometheus.Collector{
		ob.accepted, ob.settled, ob.duplicates, ob.attempts, ob.held, ob.received, ob.lost, ob.pauses, ob.sent, ob.calls, ob.delays,
	}
	if o.Store != nil {
		all = append(all, newCollector(o))
	}
	return ob, register(reg, all)
}

// register registers all collectors, or none.
func register(reg prometheus.Registerer, all []prometheus.Collector) error {
	for i, c := range all {
		if err := reg.Register(c); err != nil {
			for _, done := range all[:i] {
				reg.Unregister(done)
			}
			return err
		}
	}
	return nil
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "notify", Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "notify", Name: name, Help: help, Buckets: buckets}, labels)
}

// Observe records t.
func (o *Observer) Observe(t notify.Transition) {
	name, class := t.Channel, string(t.Class)
	switch t.Event {
	case notify.TransitionAccepted:
		o.accepted.WithLabelValues(name, class).Inc()
	case notify.TransitionStarted:
		o.delays.WithLabelValues(name, class).Observe(t.Took.Seconds())
		o.expect(t)
	case notify.TransitionAttempted:
		o.attempts.WithLabelValues(name, class, result(t)).Inc()
		o.calls.WithLabelValues(name).Observe(t.Took.Seconds())
	case notify.TransitionHeld:
		o.held.WithLabelValues(name, class, string(t.Reason)).Inc()
	case notify.TransitionSettled:
		o.end(t)
	case notify.TransitionReceived:
		o.received.WithLabelValues(name, class, string(t.Status), string(t.Reason)).Inc()
	case notify.TransitionLost:
		o.lost.WithLabelValues(name, class).Inc()
	case notify.TransitionPaused:
		o.pauses.WithLabelValues(name, string(t.Kind)).Inc()
	}
}

// expect starts the series that alerts watch at 0, with the first call. Otherwise an alert would not see their first increase.
func (o *Observer) expect(t notify.Transition) {
	name, class := t.Channel, string(t.Class)
	o.lost.WithLabelValues(name, class)
	o.settled.WithLabelValues(name, class, string(notify.Failed), string(notify.ReasonExhausted))
	o.settled.WithLabelValues(name, class, string(notify.Unknown), string(notify.ReasonExhausted))
	o.pauses.WithLabelValues(name, string(channel.Misconfigured))
}

func (o *Observer) end(t notify.Transition) {
	name, class := t.Channel, string(t.Class)
	o.settled.WithLabelValues(name, class, string(t.Status), string(t.Reason)).Inc()
	if t.Status.Reaches(notify.Sent) {
		o.sent.WithLabelValues(name, class).Observe(t.Took.Seconds())
	}
	if t.Duplicate {
		o.duplicates.WithLabelValues(name, class).Inc()
	}
}

// result returns "ok", or the kind of failure of an attempt.
func result(t notify.Transition) string {
	if t.Kind == "" {
		return "ok"
	}
	return string(t.Kind)
}
