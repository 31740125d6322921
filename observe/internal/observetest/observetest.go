// Package observetest holds the test suite for observers. Every module below observe must show the same numbers for the same
// events, under the metric names of its library in the manual (docs/observe.md).
package observetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// A Library describes the observer of one metrics library.
type Library struct {
	// Column is the position, from 0, of the library's names in the manual's table of metrics.
	Column int
	// Open returns a new observer. If s is not nil, the observer reads the backlog from s, at most once in every. If every is 0,
	// the observer uses its default.
	Open func(t *testing.T, s store.Deliveries, every time.Duration) Observer
}

// An Observer is an observer under test.
type Observer struct {
	Observe func(notify.Transition)
	// Numbers returns all values. A key is a metric and the values of its labels, in the order of the labels' names, such as
	// "notify_attempts_total{email otp ok}". A histogram has two values, such as "notify_attempt_duration_seconds sum{email}" and
	// "notify_attempt_duration_seconds count{email}".
	Numbers func(t *testing.T) map[string]float64
	// Spans returns the number of spans that have ended. Nil for a library without spans.
	Spans func() int
}

// ErrAway is the error of a store that is unavailable in a test.
var ErrAway = errors.New("the store is away")

// Test runs the suite, each test under fake time.
func Test(t *testing.T, l Library) {
	t.Helper()
	names := manual(t, l.Column)
	for _, test := range []struct {
		name string
		run  func(*run)
	}{
		{"SendWithoutAStore", sendWithoutAStore},
		{"RunWithAStore", runWithAStore},
		{"EventsOfTheEngine", eventsOfTheEngine},
		{"Backlog", backlog},
		{"TheManualListsAllMetrics", theManualListsAllMetrics},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test.run(&run{T: t, library: l, names: names}) })
		})
	}
}

// A run is one test of the suite.
type run struct {
	*testing.T
	library Library
	names   map[string]string // the library's names by those of OpenTelemetry
}

// Send sends a message over each of three channels, without a store. The first call of "email" ends as uncertain and that of "ops"
// is throttled; the retries succeed. The call of "sms" is rejected. A call takes one second, and a retry starts two seconds later.
func Send(t *testing.T, observe func(notify.Transition)) {
	t.Helper()
	n := open(t, nil, observe)
	for _, name := range []string{"email", "ops", "sms"} {
		_, _ = n.Send(t.Context(), message(name)) // a failure is observed, too
	}
}

func sendWithoutAStore(r *run) {
	o := r.library.Open(r.T, nil, 0)
	Send(r.T, o.Observe)
	r.equal(map[string]float64{
		// The series that alerts watch start at 0. Labels are in the order of their names: channel, class, kind, reason, result,
		// status.
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

		"notify.attempt.delay count{email otp}":              2,
		"notify.attempt.delay count{ops otp}":                2,
		"notify.attempt.delay count{sms otp}":                1,
		"notify.attempt.delay sum{email otp}":                0,
		"notify.attempt.delay sum{ops otp}":                  0,
		"notify.attempt.delay sum{sms otp}":                  0,
		"notify.attempt.duration count{email}":               2,
		"notify.attempt.duration count{ops}":                 2,
		"notify.attempt.duration count{sms}":                 1,
		"notify.attempt.duration sum{email}":                 2,
		"notify.attempt.duration sum{ops}":                   2,
		"notify.attempt.duration sum{sms}":                   1,
		"notify.attempts{email otp ok}":                      1,
		"notify.attempts{email otp uncertain}":               1,
		"notify.attempts{ops otp ok}":                        1,
		"notify.attempts{ops otp rate_limited}":              1,
		"notify.attempts{sms otp rejected}":                  1,
		"notify.channel.pauses{ops rate_limited}":            1,
		"notify.deliveries.duplicate{email otp}":             1,
		"notify.deliveries.held{email otp retry}":            1,
		"notify.deliveries.held{ops otp paused}":             1,
		"notify.deliveries.settled{email otp  sent}":         1,
		"notify.deliveries.settled{ops otp  sent}":           1,
		"notify.deliveries.settled{sms otp rejected failed}": 1,
		"notify.delivery.duration count{email otp}":          1,
		"notify.delivery.duration count{ops otp}":            1,
		"notify.delivery.duration sum{email otp}":            4,
		"notify.delivery.duration sum{ops otp}":              4,
	}, o.Numbers(r.T))
}

func runWithAStore(r *run) {
	st := memory.New()
	o := r.library.Open(r.T, st, 0)
	n := open(r.T, st, o.Observe)
	var email notify.Report
	for _, name := range []string{"sms", "ops", "email"} {
		var err error
		email, err = n.Send(r.Context(), message(name))
		r.must(err)
	}
	time.Sleep(30 * time.Second) // no process calls Run
	waiting := o.Numbers(r.T)
	for _, name := range []string{"email", "ops", "sms"} {
		r.near(waiting, "notify.deliveries.accepted{"+name+" otp}", 1, 0)
		r.near(waiting, "notify.backlog.deliveries{"+name+" otp due}", 1, 0)
		r.near(waiting, "notify.backlog.age{"+name+" otp}", 30, 0.1)
	}

	ctx, stop := context.WithCancel(r.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	time.Sleep(time.Minute)
	stop()
	r.must(<-ended)
	r.must(n.Receive(r.Context(), channel.Receipt{DeliveryID: email.Deliveries[0].ID, Event: channel.Delivered}))

	after := o.Numbers(r.T)
	r.contains(map[string]float64{
		"notify.attempts{email otp ok}":                      1,
		"notify.attempts{email otp uncertain}":               1,
		"notify.attempts{ops otp ok}":                        1,
		"notify.attempts{ops otp rate_limited}":              1,
		"notify.attempts{sms otp rejected}":                  1,
		"notify.attempt.duration sum{email}":                 2,
		"notify.attempt.delay count{sms otp}":                1,
		"notify.receipts{email otp  delivered}":              1,
		"notify.channel.pauses{ops rate_limited}":            1,
		"notify.deliveries.duplicate{email otp}":             1,
		"notify.deliveries.held{email otp retry}":            1,
		"notify.deliveries.held{ops otp paused}":             1,
		"notify.deliveries.settled{email otp  sent}":         1,
		"notify.deliveries.settled{ops otp  sent}":           1,
		"notify.deliveries.settled{sms otp rejected failed}": 1,
		"notify.delivery.duration count{email otp}":          1,
		"notify.backlog.age{email otp}":                      0,
		"notify.backlog.deliveries{email otp due}":           0,
		"notify.backlog.deliveries{email otp later}":         0,
		"notify.backlog.up{}":                                1,
	}, after)
	r.near(after, "notify.attempt.delay sum{sms otp}", 30, 1)       // 30 s without a Run
	r.near(after, "notify.delivery.duration sum{email otp}", 34, 1) // 30 s without a Run, two calls of 1 s, 2 s between them
	r.spans(o, 5)
	r.must(n.Close(r.Context()))
}

// eventsOfTheEngine covers the events that occur only with a store, and an event from a later version.
func eventsOfTheEngine(r *run) {
	o := r.library.Open(r.T, nil, 0)
	tell := func(e notify.TransitionEvent, s notify.Status, reason notify.Reason) {
		o.Observe(notify.Transition{
			Event: e, Delivery: "1", Tenant: "acme", Channel: "email", Class: notify.Notice, Status: s, Reason: reason,
		})
	}
	tell(notify.TransitionAccepted, notify.Accepted, "")
	tell(notify.TransitionLost, notify.Accepted, "")
	tell(notify.TransitionReceived, notify.Delivered, "")
	tell(notify.TransitionReceived, notify.Failed, notify.ReasonBounced)
	tell("from a later version", notify.Accepted, "")
	r.equal(map[string]float64{
		"notify.deliveries.accepted{email notice}":     1,
		"notify.leases.lost{email notice}":             1,
		"notify.receipts{email notice  delivered}":     1,
		"notify.receipts{email notice bounced failed}": 1,
	}, o.Numbers(r.T))
	r.spans(o, 0)
}

func backlog(r *run) {
	s := &counts{lanes: []store.LaneCount{{Lane: "email/otp", Due: 3, Later: 2, Oldest: time.Now().Add(-time.Minute)}}}
	o := r.library.Open(r.T, s, 5*time.Second)
	for range 2 {
		r.equal(map[string]float64{
			"notify.backlog.age{email otp}":              60,
			"notify.backlog.deliveries{email otp due}":   3,
			"notify.backlog.deliveries{email otp later}": 2,
			"notify.backlog.up{}":                        1,
		}, o.Numbers(r.T))
	}
	if s.calls != 1 {
		r.Errorf("the store counted %d times within the interval, want once", s.calls)
	}

	time.Sleep(5 * time.Second)
	s.err = ErrAway
	r.equal(map[string]float64{"notify.backlog.up{}": 0}, o.Numbers(r.T))

	time.Sleep(5 * time.Second)
	s.err, s.lanes = nil, nil
	r.equal(map[string]float64{ // an empty lane stays, at 0
		"notify.backlog.age{email otp}":              0,
		"notify.backlog.deliveries{email otp due}":   0,
		"notify.backlog.deliveries{email otp later}": 0,
		"notify.backlog.up{}":                        1,
	}, o.Numbers(r.T))
}

// theManualListsAllMetrics compares the metrics that an observer shows after all events with the manual's table.
func theManualListsAllMetrics(r *run) {
	o := r.library.Open(r.T, &counts{lanes: []store.LaneCount{{Lane: "email/otp"}}}, 0)
	for _, e := range []notify.TransitionEvent{
		notify.TransitionAccepted, notify.TransitionStarted, notify.TransitionAttempted, notify.TransitionHeld,
		notify.TransitionSettled, notify.TransitionReceived, notify.TransitionLost, notify.TransitionPaused,
	} {
		o.Observe(notify.Transition{Event: e, Status: notify.Sent, Duplicate: true})
	}
	shown := make(map[string]bool)
	for number := range o.Numbers(r.T) {
		shown[number[:end(number)]] = true
	}
	if got, listed := slices.Sorted(maps.Keys(shown)), Names(r.T, r.library); !slices.Equal(got, listed) {
		r.Errorf("the observer shows %q, the manual lists %q", got, listed)
	}
}
