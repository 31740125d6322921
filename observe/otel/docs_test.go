package otel_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/e7ddda3c/notify"
	observe "github.com/e7ddda3c/notify/observe/otel"
	"github.com/e7ddda3c/notify/store"
)

func TestTheManualListsAllMetrics(t *testing.T) {
	reader, _, observer := open(t, observe.Options{Store: &counts{lanes: []store.LaneCount{{Lane: "email/otp"}}}})
	for _, e := range []notify.TransitionEvent{
		notify.TransitionAccepted, notify.TransitionStarted, notify.TransitionAttempted, notify.TransitionHeld,
		notify.TransitionSettled, notify.TransitionReceived, notify.TransitionLost, notify.TransitionPaused,
	} {
		observer.Observe(notify.Transition{Event: e, Status: notify.Sent, Duplicate: true})
	}
	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &data))
	var names, listed []string
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			names = append(names, m.Name)
		}
	}
	manual, err := os.ReadFile("../../docs/observe.md")
	require.NoError(t, err)
	for _, row := range regexp.MustCompile("(?m)^\\| `notify_[a-z_]+` \\| `(notify[a-z.]+)` \\|").FindAllStringSubmatch(string(manual), -1) {
		listed = append(listed, row[1])
	}
	slices.Sort(names)
	slices.Sort(listed)
	require.Equal(t, names, listed)
}
