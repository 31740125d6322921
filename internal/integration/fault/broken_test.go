package fault_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store"
)

// Violations of the rules of groups, each made on purpose.
const (
	wakesNobody    = "a settlement wakes no peers"
	staleGroup     = "the count of wakes is read after the group"
	refusesToWait  = "a woken delivery may not wait"
	locksNothing   = "messages are not locked"
	forgetsSending = "a peer in flight does not count"
	receiptsSilent = "a receipt wakes no peers"
)

// testBroken breaks each rule and checks that the test of groups detects it by the expected fault.
func testBroken(t *testing.T, k kind, server *faulttest.Server) {
	for rule, want := range map[string]string{
		wakesNobody: "still wait", staleGroup: "still wait", refusesToWait: "still wait", locksNothing: "deadlocks",
		forgetsSending: "should it be sent? false", receiptsSilent: "still wait",
	} {
		if rule == locksNothing && k.server == nil {
			continue // SQLite has one writer at a time and locks no messages
		}
		t.Run(rule, func(t *testing.T) {
			z := sizeOf()
			z.lease, z.groups = 15*time.Second, min(z.groups, 50)
			noticed := false
			for range 5 { // a deadlock or a lost wake takes two concurrent transactions, which one run may not have
				faults := runGroups(t, newTestDB(t, k, server), z, 0, rule)
				if noticed = strings.Contains(strings.Join(faults, "\n"), want); noticed {
					t.Logf("%d faults, such as: %s", len(faults), faults[0])
					break
				}
			}
			require.True(t, noticed, "the broken rule was not detected")
		})
	}
}

var wake = regexp.MustCompile(`set (d\.)?wakes = (d\.)?wakes \+ 1`)

// rewrite returns the function that changes statements to break a rule inside the store, or nil if the rule is broken elsewhere.
func rewrite(rule, role string) func(string) string {
	switch {
	case rule == locksNothing:
		what := regexp.MustCompile(`(?s)^(select id from notify_messages .*) for (no key )?update$`)
		return func(query string) string {
			if wake.MatchString(query) {
				time.Sleep(2 * time.Millisecond) // while the transaction holds its row locks
			}
			return what.ReplaceAllString(query, "$1")
		}
	case rule == receiptsSilent && role == "postman":
		return func(query string) string {
			if wake.MatchString(query) {
				query += " and 1 = 0"
			}
			return query
		}
	}
	return nil
}

// A broken store violates a rule.
type broken struct {
	store.Deliveries
	rule string
}

func (b *broken) LeaseDeliveries(ctx context.Context, r store.LeaseRequest) (store.Leases, error) {
	ls, err := b.Deliveries.LeaseDeliveries(ctx, r)
	if err != nil {
		return ls, err
	}
	switch b.rule {
	case staleGroup:
		now := b.wakes(ctx, func(read func(store.DeliveryRef)) {
			for _, d := range ls.Deliveries {
				read(d.DeliveryRef)
			}
		})
		for i := range ls.Deliveries {
			d := &ls.Deliveries[i]
			d.Wakes = max(d.Wakes, now[d.DeliveryRef.ID()])
		}
	case forgetsSending:
		for i := range ls.Deliveries {
			d := &ls.Deliveries[i]
			for j := range d.Group {
				if p := &d.Group[j]; p.Place < d.Place && !p.Status.Settled() {
					p.Status = store.Failed
				}
			}
		}
	}
	return ls, nil
}

func (b *broken) SettleDeliveries(ctx context.Context, ss []store.Settlement) ([]store.DeliveryRef, error) {
	ss = slices.Clone(ss)
	switch b.rule {
	case wakesNobody:
		for i := range ss {
			ss[i].Wake = false
		}
	case refusesToWait:
		now := b.wakes(ctx, func(read func(store.DeliveryRef)) {
			for _, s := range ss {
				read(s.DeliveryRef)
			}
		})
		ss = slices.DeleteFunc(ss, func(s store.Settlement) bool {
			return s.Status == store.Held && s.Reason == notify.ReasonWaiting && now[s.DeliveryRef.ID()] > s.Wakes
		})
	}
	return b.Deliveries.SettleDeliveries(ctx, ss)
}

// wakes reads the Wakes of deliveries after a delay, in separate statements.
func (b *broken) wakes(ctx context.Context, refs func(func(store.DeliveryRef))) map[string]int64 {
	pause(ctx, 5*time.Millisecond)
	wakes, seen := map[string]int64{}, map[string]bool{}
	refs(func(ref store.DeliveryRef) {
		if seen[ref.MessageID] {
			return
		}
		seen[ref.MessageID] = true
		page, err := b.ListMessages(ctx, store.MessageQuery{Filter: store.Filter{AnyTenant: true, MessageID: ref.MessageID}})
		if err != nil {
			return
		}
		for _, m := range page.Messages {
			for _, d := range m.Deliveries {
				wakes[d.DeliveryRef.ID()] = d.Wakes
			}
		}
	})
	return wakes
}

// deadlocksOf returns the number of deadlocks that the database has counted.
func deadlocksOf(t *testing.T, d *testDB) (n int) {
	t.Helper()
	query := map[string]string{
		"postgres": "select deadlocks from pg_stat_database where datname = current_database()",
		"mariadb":  "select count from information_schema.innodb_metrics where name = 'lock_deadlocks'",
	}[d.name]
	if query == "" {
		return 0
	}
	require.NoError(t, open(t, d.kind, d.source()).QueryRowContext(t.Context(), query).Scan(&n))
	return n
}
