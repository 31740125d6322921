package prometheus_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	observe "github.com/e7ddda3c/notify/observe/prometheus"
	"github.com/e7ddda3c/notify/store"
)

// families returns the names of all metrics that there are.
func families(t *testing.T) []string {
	t.Helper()
	reg, observer := open(t, &observe.Options{Store: &counts{lanes: []store.LaneCount{{Lane: "email/otp"}}}})
	for _, e := range []notify.TransitionEvent{
		notify.TransitionAccepted, notify.TransitionStarted, notify.TransitionAttempted, notify.TransitionHeld,
		notify.TransitionSettled, notify.TransitionReceived, notify.TransitionLost, notify.TransitionPaused,
	} {
		observer.Observe(notify.Transition{Event: e, Status: notify.Sent, Duplicate: true})
	}
	gathered, err := reg.Gather()
	require.NoError(t, err)
	var names []string
	for _, family := range gathered {
		names = append(names, family.GetName())
	}
	return names
}

func TestTheManualListsAllMetrics(t *testing.T) {
	manual, err := os.ReadFile("../../docs/observe.md")
	require.NoError(t, err)
	var listed []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(notify_[a-z_]+)` \\|").FindAllStringSubmatch(string(manual), -1) {
		listed = append(listed, row[1])
	}
	slices.Sort(listed)
	require.Equal(t, families(t), listed)
}

func TestAlertsNameMetricsThatExist(t *testing.T) {
	alerts, err := os.ReadFile("alerts.yaml")
	require.NoError(t, err)
	named := regexp.MustCompile(`notify_[a-z_]+`).FindAllString(string(alerts), -1)
	require.NotEmpty(t, named)
	names := families(t)
	for _, name := range named {
		require.Contains(t, names, strings.TrimSuffix(name, "_bucket"))
	}
}
