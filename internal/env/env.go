// Package env gives tests the addresses of the services that they need, from environment variables. `make test` starts the services
// and sets the variables. Under `go test` alone, tests that need a service are skipped.
package env

import (
	"os"
	"testing"
)

// Need returns the value of the environment variable name, such as NOTIFY_SMTP_HOST.
//
// If the variable is not set, Need skips t, so that `go test ./...` passes on any machine. With NOTIFY_REQUIRE, which `make test`
// sets, Need fails t instead, because every test must run there.
func Need(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	switch {
	case value != "":
		return value
	case os.Getenv("NOTIFY_REQUIRE") != "":
		t.Fatalf("%s must be set (`scripts/services status` lists the running services)", name)
	default:
		t.Skipf("%s is not set; `make test` starts the service and sets the variable", name)
	}
	return ""
}
