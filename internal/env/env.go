// Package env tells tests where the services are that they talk to: `make test` starts them and names them in environment
// variables, `go test` alone does without.
package env

import (
	"os"
	"testing"
)

// Need returns the value of the environment variable name, such as NOTIFY_SMTP_HOST.
//
// Without it, t is skipped, so that `go test ./...` passes on any machine. Where NOTIFY_REQUIRE is set, as `make test` does, t
// fails instead: there, a test that did not run is a fault.
func Need(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	switch {
	case value != "":
		return value
	case os.Getenv("NOTIFY_REQUIRE") != "":
		t.Fatalf("%s is not set: no service to test with (scripts/services status tells what runs)", name)
	default:
		t.Skipf("%s is not set: `make test` starts the service and sets it", name)
	}
	return ""
}
