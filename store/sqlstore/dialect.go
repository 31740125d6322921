package sqlstore

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// A dialect holds the differences between databases. It implements the frequent operations in few statements.
type dialect interface {
	traits() traits
	// id returns the parameter for a message's id. A malformed id matches no row.
	id(id string) any
	// ids returns the list for "id in (…)" and its parameters.
	ids(ids []string) (string, []any)
	// keys returns the list for "(message, recipient, place) in (…)" and its parameters.
	keys(refs []store.DeliveryRef) (string, []any)
	// groups returns the list for "(message, recipient) in (…)" and its parameters.
	groups(refs []store.DeliveryRef) (string, []any)

	// insert stores the messages whose id and key are free. It reports for each of ms whether it was stored.
	insert(ctx context.Context, x *session, ms []store.NewMessage) ([]bool, error)
	// claim leases due deliveries, lane by lane, the longest due first. For each lane that gave fewer than its Room, it also returns
	// the lane's next due time.
	claim(ctx context.Context, s *Store, r store.LeaseRequest) (claims, error)
	// settle writes ss with their attempts, and reports for each of ss whether it was written. It skips deliveries that are not leased
	// under the claim and, unless verified, those that are settled or canceled; verified means that the caller has checked ss against
	// the locked rows. A dialect that cannot tell which it skipped returns errPartial.
	settle(ctx context.Context, x *session, ss []store.Settlement, verified bool) ([]bool, error)
	// wake raises the Wakes of the live, grouped peers of refs and makes the unleased ones due.
	wake(ctx context.Context, x *session, refs []store.DeliveryRef) error
	// extend renews leases, and reports for each of es whether the delivery still has the claim.
	extend(ctx context.Context, x *session, es []store.Extension, lease time.Duration) ([]bool, error)

	// unfit returns an error if the version or a setting of the database makes it unusable. It ignores the schema.
	unfit(ctx context.Context, x *session) error
	// columns returns the query for the column names of a table. The query finds no rows if the table does not exist.
	columns() string
	// migrate runs do while no other process migrates the same tables.
	migrate(ctx context.Context, s *Store, do func(*session) error) error
	// transient reports whether a retry of the whole call may succeed after err.
	transient(err error) bool
	// duplicate reports whether err is a violation of a unique index.
	duplicate(err error) bool
}

// traits are the properties and SQL fragments of a dialect.
type traits struct {
	folder       string // of the migrations
	now          string // the current time in microseconds; "" if the process supplies the time as a parameter
	greatest     string // the function that returns the largest of its arguments
	placeholder  byte   // '?', or '$' if placeholders are numbered
	maxArgs      int    // the maximum number of parameters in a statement
	prepare      bool   // the Store keeps prepared statements, because the driver does not
	oneWriter    bool   // the database has one writer at a time, so that writers queue in the process
	oneStatement bool   // accepting is a single statement, and so is settling ungrouped deliveries: no transaction is needed
	committed    bool   // transactions must request READ COMMITTED
	share        string // ends a query that must see the commits of others at every isolation level
	lock         string // ends a query that locks messages
	lockRows     string // ends a query that locks deliveries, pauses or schedules
	ignore       string // ends an insert of suppressions that leaves existing ones as they are
	begin        string // a statement that takes the write lock at the start of a transaction; "" if none is needed
	nextLane     string // the condition for the lanes that have live deliveries
	live         string // the condition of the claim index
	claimIndex   string // a hint that makes a query use the claim index
}

// rewrite replaces {now}, {greatest}, {live}, {claims} and ? by the dialect's own forms. If the process supplies the time, {now} becomes a
// parameter, and rewrite returns the positions of these parameters in ascending order.
func (t traits) rewrite(text string) (string, []int) {
	text = strings.NewReplacer("{greatest}", t.greatest, "{live}", t.live, "{claims}", t.claimIndex).Replace(text)
	var times []int
	var b strings.Builder
	given := 0
	for i, part := range strings.Split(text, "?") {
		if i > 0 {
			given++
			b.WriteByte(t.placeholder)
			if t.placeholder == '$' {
				b.WriteString(strconv.Itoa(given))
			}
		}
		for j, piece := range strings.Split(part, "{now}") {
			if j > 0 && t.now == "" {
				times = append(times, given)
				given++
				b.WriteByte('?')
			} else if j > 0 {
				b.WriteString(t.now)
			}
			b.WriteString(piece)
		}
	}
	return b.String(), times
}

// padded repeats the last row until the number of rows is a power of two, so that a statement has few forms and prepared ones are reused.
func padded(one string, n int, args []any) (string, []any) {
	size := 1
	for size < n {
		size *= 2
	}
	last := args[len(args)/n*(n-1):]
	for range size - n {
		args = append(args, last...)
	}
	return placeholders(size, one), args
}
