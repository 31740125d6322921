package fault_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/faulttest"
)

// testClock makes the clocks of workers jump by an hour, back and forth, every two seconds. Only the store's clock may matter.
func testClock(t *testing.T, k kind, server *faulttest.Server) {
	z := sizeOf()
	z.lease = time.Second
	c := newCrew(t, newTestDB(t, k, server), z)
	jumpy := buildJumpy(t)
	var workers []*faulttest.Process
	for range workersAtOnce / 2 {
		workers = append(workers, c.startProgram(jumpy, "worker", setup{}))
	}
	p := c.start("sender", setup{Rate: z.rate})
	for end := time.Now().Add(12 * time.Second); time.Now().Before(end) && pause(t.Context(), 200*time.Millisecond); {
		c.show("while clocks jump")
	}
	c.stop(p)
	c.drain(z.lease + 30*time.Second)
	for _, p := range workers {
		c.stop(p)
	}
	a := c.audit()
	require.Condition(t, func() bool {
		for _, calls := range a.calls {
			if time.Until(calls[0].At).Abs() > 30*time.Minute {
				return true
			}
		}
		return false
	}, "the clocks did not jump")
	a.require(t, z)
	require.Zero(t, a.duplicates, "no process was killed")
}

// buildJumpy builds this program with a changed time.Now, whose wall clock alternates between an hour behind, correct, and an hour ahead.
// The monotonic clock stays as it is.
func buildJumpy(t *testing.T) (program string) {
	t.Helper()
	dir := t.TempDir()
	original := filepath.Join(goRoot(t), "src", "time", "time.go")
	source, err := os.ReadFile(original)
	require.NoError(t, err)
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	require.Contains(t, string(source), now, "package time has changed: it was as of Go 1.26, and this is %s", runtime.Version())
	changed := filepath.Join(dir, "time.go")
	require.NoError(t, os.WriteFile(changed,
		[]byte(strings.Replace(string(source), now, now+"\tsec += ((mono>>31)%3 - 1) * 3600\n", 1)), 0o600))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay"), overlay, 0o600))
	program = filepath.Join(dir, "jumpy")
	output, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "nosqlite", "-overlay", filepath.Join(dir, "overlay"),
		"-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return program
}

func goRoot(t *testing.T) string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(root))
}
