package env_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/env"
)

// A recorder is a testing.TB that records a skip or a failure instead of ending the test.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.skipped = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

func TestNeed(t *testing.T) {
	tests := map[string]struct {
		value, require        string
		wantSkipped, wantFail bool
	}{
		"answers with the value":                       {value: "127.0.0.1"},
		"answers with the value where it is required":  {value: "127.0.0.1", require: "1"},
		"skips without the service":                    {wantSkipped: true},
		"fails without a service that must be present": {require: "1", wantFail: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("NOTIFY_TEST_SERVICE", test.value)
			t.Setenv("NOTIFY_REQUIRE", test.require)
			r := &recorder{TB: t}

			require.Equal(t, test.value, env.Need(r, "NOTIFY_TEST_SERVICE"))
			require.Equal(t, test.wantSkipped, r.skipped)
			require.Equal(t, test.wantFail, r.failed)
		})
	}
}
