package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store"
)

var roles = map[string]faulttest.Role{"claimer": claimer}

// claimer migrates concurrently with the other processes, then claims and settles until it is stopped, and notes each claimed delivery.
func claimer(ctx context.Context) error {
	d := databases[os.Getenv("CLAIM_KIND")]
	db, err := sql.Open(os.Getenv("CLAIM_DRIVER"), os.Getenv("CLAIM_SOURCE"))
	if err != nil {
		return err
	}
	defer db.Close()
	ledger, err := faulttest.OpenLedger(os.Getenv("CLAIM_LEDGER"))
	if err != nil {
		return err
	}
	defer ledger.Close()
	s := d.store(db, nil)
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	for until := ctx; until.Err() == nil; {
		ctx := context.WithoutCancel(ctx) // finish the round that has begun
		ls, err := s.LeaseDeliveries(ctx, store.LeaseRequest{Lanes: []store.LaneRoom{{Lane: lane, Room: 7}}, Lease: time.Minute})
		if err != nil {
			return err
		}
		ss := make([]store.Settlement, len(ls.Deliveries))
		notes := make([]faulttest.Entry, len(ls.Deliveries))
		for i, d := range ls.Deliveries {
			ss[i] = store.Settlement{DeliveryRef: d.DeliveryRef, Status: store.Sent, Attempts: 1, Attempt: &store.Attempt{At: ls.Now, Status: store.Sent}}
			notes[i] = faulttest.Entry{Kind: "claimed", ID: fmt.Sprint(d.DeliveryRef)}
		}
		if err := ledger.Note(notes...); err != nil {
			return err
		}
		lost, err := s.SettleDeliveries(ctx, ss)
		if err != nil {
			return err
		}
		if len(lost) > 0 {
			return fmt.Errorf("lost %d leases to another process", len(lost))
		}
	}
	return nil
}

func TestEightProcessesNeverHoldTheSameDelivery(t *testing.T) {
	const processes, deliveries = 8, 2000
	drivers := map[string]string{"sqlite": "sqlite", "postgres": "pgx", "mariadb": "mysql"}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			driver, source := drivers[name], source(t)
			path := filepath.Join(t.TempDir(), "ledger")
			var started []*faulttest.Process
			for range processes {
				started = append(started, faulttest.Start(t, "claimer", "CLAIM_KIND="+name, "CLAIM_DRIVER="+driver, "CLAIM_SOURCE="+source,
					"CLAIM_LEDGER="+path))
			}
			s := databases[name].store(open(t, driver, source), nil)
			require.NoError(t, s.Migrate(t.Context()))
			fill(t, s, deliveries)
			require.Eventually(t, func() bool {
				counts, err := s.CountDeliveries(t.Context(), store.CountQuery{})
				return err == nil && len(counts) == 0
			}, time.Minute, 50*time.Millisecond)
			for _, p := range started {
				require.NoError(t, p.Stop(t.Context()))
			}
			ledger, err := faulttest.OpenLedger(path)
			require.NoError(t, err)
			defer ledger.Close()
			entries, _, err := ledger.Read(0)
			require.NoError(t, err)
			claimed := make(map[string]bool)
			for _, e := range entries {
				require.False(t, claimed[e.ID], "claimed twice: %s", e.ID)
				claimed[e.ID] = true
			}
			require.Len(t, claimed, deliveries)
		})
	}
}
