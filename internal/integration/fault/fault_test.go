package fault_test

import (
	"os"
	"testing"
	"time"
)

func TestSQLite(t *testing.T)   { testAll(t, sqlite) }
func TestPostgres(t *testing.T) { testAll(t, postgres) }
func TestMariaDB(t *testing.T)  { testAll(t, mariadb) }

func testAll(t *testing.T, k kind) {
	if testing.Short() {
		t.Skip("slow: it kills processes and waits")
	}
	began := time.Now()
	server := k.start(t)
	t.Run("nothing is lost in a storm", func(t *testing.T) { testStorm(t, k, server, began) })
	if budget() > 0 {
		return
	}
	t.Run("a crash repeats no more than was under way", func(t *testing.T) { testDrain(t, k, server) })
	t.Run("what a host commits is sent, and what it rolls back is not", func(t *testing.T) { testHost(t, k, server) })
	t.Run("groups", func(t *testing.T) { testGroups(t, k, server) })
	if soaking() && server != nil {
		t.Run("clocks that jump do not matter", func(t *testing.T) { testClock(t, k, server) })
	}
	if soaking() || k.name == postgres.name {
		t.Run("broken rules are noticed", func(t *testing.T) { testBroken(t, k, server) })
	}
}

// tail returns the last 4 KB of a file.
func tail(path string) []byte {
	b, _ := os.ReadFile(path)
	return b[max(0, len(b)-4<<10):]
}
