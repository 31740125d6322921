package fault_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/e7ddda3c/notify/internal/faulttest"
)

func TestMain(m *testing.M) {
	_ = mysql.SetLogger(log.New(io.Discard, "", 0)) // the driver would log every cut connection
	faulttest.Play(map[string]faulttest.Role{
		"worker": worker, "sender": sender, "postman": postman, "host": host,
	})
	code := m.Run()
	if budget() > 0 {
		fmt.Println(total.String())
	}
	os.Exit(code)
}

// A tally is the sum of several audits.
type tally struct {
	mu                                  sync.Mutex
	accepted, lost, duplicates, flagged int
}

// total sums up all audits of this process.
var total tally

func (t *tally) add(accepted, lost, duplicates, flagged int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted += accepted
	t.lost += lost
	t.duplicates += duplicates
	t.flagged += flagged
}

func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("accepted %d lost %d duplicates %d flagged %d", t.accepted, t.lost, t.duplicates, t.flagged)
}
