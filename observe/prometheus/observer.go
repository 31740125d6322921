// Package prometheus counts and times what a [notify.Notifier] does, as metrics of Prometheus.
//
// Labels are the names of channels and words from closed lists, never tenants, ids, addresses or content. docs/observe.md lists the
// metrics, and alerts to begin with.
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
	// Store, that of the Notifier, is asked for the backlog when Prometheus scrapes. Without it there are no metrics of the backlog.
	Store store.Deliveries
	// Every is how long an answer of the Store is good for, however often Prometheus scrapes. Defaults to 10 s.
	Every time.Duration
}

// An Observer keeps the metrics of one Notifier. Its methods may be called by many goroutines at once.
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

// New returns an Observer whose metrics are registered with reg; nil means prometheus.DefaultRegisterer. Its Observe goes into
// [notify.Config]'s OnTransition. For two Notifiers in one process give each a registerer of its own, made by
// prometheus.WrapRegistererWith with a label that tells them apart.
func New(reg prometheus.Registerer, o *Options) (*Observer, error) {
	if reg == nil {
		reg = prometheus.DefaultRegisterer
	}
	if o == nil {
		o = &Options{}
	}
	lane := []string{"channel", "class"}
	call := []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}  // it ends with its deadline, of 30 s by default
	wait := []float64{.001, .005, .01, .05, .1, .5, 1, 5, 15, 60, 300, 1800, 7200} // a delivery may be tried for hours
	ob := &Observer{
		accepted:   counter("deliveries_accepted_total", "Deliveries that the store took.", lane...),
		settled:    counter("deliveries_settled_total", "Deliveries that came to an end, by status and reason.", "channel", "class", "status", "reason"),
		duplicates: counter("deliveries_duplicate_total", "Deliveries that came to an end and that the recipient may have got more than once.", lane...),
		held:       counter("deliveries_held_total", "Times that a delivery began to wait, by reason.", "channel", "class", "reason"),
		received:   counter("receipts_total", "Receipts of providers, by the status that they raised a delivery to; a repeated one counts again.", "channel", "class", "status", "reason"),
		attempts:   counter("attempts_total", "Calls of a channel that ended, by result: ok, or the kind of the failure.", "channel", "class", "result"),
		lost:       counter("leases_lost_total", "Leases that were lost to another process.", lane...),
		pauses:     counter("channel_pauses_total", "Times that a channel was paused, by the kind of failure.", "channel", "kind"),
		sent:       histogram("delivery_duration_seconds", "Time from acceptance until the provider had taken a delivery.", wait, lane...),
		calls:      histogram("attempt_duration_seconds", "Duration of a call of a channel.", call, "channel"),
		delays:     histogram("attempt_delay_seconds", "How late a call of a channel began, since it was due.", wait, lane...),
	}
	all := []prometheus.Collector{
		ob.accepted, ob.settled, ob.duplicates, ob.attempts, ob.held, ob.received, ob.lost, ob.pauses, ob.sent, ob.calls, ob.delays,
	}
	if o.Store != nil {
		all = append(all, newCollector(o))
	}
	return ob, register(reg, all)
}

// register registers all, or none.
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

// Observe takes note of t.
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

// expect lets what alerts look at begin at 0 with the first call, or its first rise would go unseen.
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

// result says how an attempt ended.
func result(t notify.Transition) string {
	if t.Kind == "" {
		return "ok"
	}
	return string(t.Kind)
}
