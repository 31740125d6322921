package fault_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

const setupVariable = "FAULT_SETUP"

// A setup is the configuration of a child process.
type setup struct {
	Kind, Source string
	Ledger       string
	Lease        time.Duration
	Rate         int    // of a sender, per second
	Groups       bool   // channels, dispatchers and providers of groups
	Broken       string // the rule to break, or ""
	Order        string // of a host
}

func (s setup) variable(t *testing.T) string {
	t.Helper()
	b, err := json.Marshal(s)
	require.NoError(t, err)
	return setupVariable + "=" + string(b)
}

// A child holds the setup and the tools of a child process.
type child struct {
	setup
	store  *sqlstore.Store
	ledger *faulttest.Ledger
	bomb   *faulttest.Bomb
	log    *slog.Logger
}

// newChild reads the setup of this process from the environment.
func newChild(role string) (*child, error) {
	b := &child{bomb: faulttest.NewBomb()}
	if err := json.Unmarshal([]byte(os.Getenv(setupVariable)), &b.setup); err != nil {
		return nil, fmt.Errorf("%s: %w", setupVariable, err)
	}
	k := kindOf(b.Kind)
	db, err := k.open(b.Source)
	if change := rewrite(b.Broken, role); change != nil {
		db, err = k.rewriting(b.Source, change)
	}
	if err != nil {
		return nil, err
	}
	b.store = k.store(db, nil)
	if b.ledger, err = faulttest.OpenLedger(b.Ledger); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(logOf(b.Ledger), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	b.log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelError})).With("pid", os.Getpid())
	return b, nil
}

// logOf returns the path of the log beside a ledger.
func logOf(ledger string) string { return filepath.Join(filepath.Dir(ledger), "log") }

// with returns d with the other ports of b's store.
func (b *child) with(d store.Deliveries) store.Deliveries {
	return struct {
		store.Deliveries
		store.Schedules
		store.Pauses
		store.Suppressions
	}{d, b.store, b.store, b.store}
}

// watched returns b's store with the points of bombs, a note of each claim and, if there is one, the broken rule.
func (b *child) watched() store.Deliveries {
	var d store.Deliveries = b.store
	if b.Broken != "" {
		d = &broken{d, b.Broken}
	}
	return b.with(&claims{faulttest.Watch(d, b.bomb.At), b.ledger})
}
