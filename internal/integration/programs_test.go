package integration_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// example builds an example and returns the command that runs it.
func example(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", binary, "./"+name)
	build.Dir, build.Env = "../../examples", append(os.Environ(), "GOWORK=off")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	cmd := exec.Command(binary, args...)
	cmd.Stderr = os.Stderr
	return cmd
}

// start starts cmd, and interrupts it when t ends. cmd must then exit with status 0 within 15 seconds.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		kill := time.AfterFunc(15*time.Second, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		require.NoError(t, cmd.Wait(), "the program must exit with status 0 after an interrupt")
	})
}
