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

// A setup tells a child process what to work with.
type setup struct {
	Kind, Source string
	Ledger       string
	Lease        time.Duration
	Rate         int    // of a sender, per second
	Groups       bool   // the provider answers as the fates say
	Broken       string // the rule that is broken
	Order        string // of a host
}

func (s setup) variable(t *testing.T) string {
	t.Helper()
	b, err := json.Marshal(s)
	require.NoError(t, err)
	return setupVariable + "=" + string(b)
}

// A bench is what a child process works at.
type bench struct {
	setup
	store  *sqlstore.Store
	ledger *faulttest.Ledger
	bomb   *faulttest.Bomb
	log    *slog.Logger
}

// newBench is for child processes.
func newBench(role string) (*bench, error) {
	b := &bench{bomb: faulttest.NewBomb()}
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

// logOf returns where the log is that belongs to a ledger.
func logOf(ledger string) string { return filepath.Join(filepath.Dir(ledger), "log") }

// with returns d together with the further ports of b's store.
func (b *bench) with(d store.Deliveries) store.Deliveries {
	return struct {
		store.Deliveries
		store.Schedules
		store.Pauses
		store.Suppressions
	}{d, b.store, b.store, b.store}
}

// watched returns b's store, with points to die at and a note of each claim.
func (b *bench) watched() store.Deliveries {
	var d store.Deliveries = b.store
	if b.Broken != "" {
		d = &broken{d, b.Broken}
	}
	return b.with(&claims{faulttest.Watch(d, b.bomb.At), b.ledger})
}
