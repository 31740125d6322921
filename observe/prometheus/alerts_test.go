package prometheus_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/observe/internal/observetest"
)

func TestAlertsNameMetricsThatExist(t *testing.T) {
	alerts, err := os.ReadFile("alerts.yaml")
	require.NoError(t, err)
	named := regexp.MustCompile(`notify_[a-z_]+`).FindAllString(string(alerts), -1)
	require.NotEmpty(t, named)
	names := observetest.Names(t, library)
	for _, name := range named {
		require.Contains(t, names, strings.TrimSuffix(name, "_bucket"))
	}
}
