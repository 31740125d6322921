package beijing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/internal/beijing"
)

func TestParse(t *testing.T) {
	require.Equal(t, time.Date(2024, 1, 2, 3, 4, 9, 0, time.UTC), beijing.Parse("2024-01-02 11:04:09"))
	for _, bad := range []string{"", "never", "2024-01-02", "2024-01-02T11:04:09Z", "2024-13-02 11:04:09"} {
		require.Zero(t, beijing.Parse(bad), bad)
	}
}

func TestUntil(t *testing.T) {
	noon := time.Date(2024, 2, 28, 4, 0, 0, 0, time.UTC) // in Beijing
	tests := map[string]struct {
		now  time.Time
		hour int
		want time.Duration
	}{
		"later today":        {noon, 18, 6 * time.Hour},
		"tomorrow":           {noon, 8, 20 * time.Hour},
		"at midnight":        {noon, 0, 12 * time.Hour},
		"at the hour itself": {noon, 12, 24 * time.Hour},
		"over a month's end": {noon.AddDate(0, 0, 1), 8, 20 * time.Hour},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, beijing.Until(tt.now, tt.hour)) })
	}
}
