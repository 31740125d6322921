package sqlstore

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// A dialect is what databases say differently, and how each does in few statements what is done often.
type dialect interface {
	traits() traits
	// id is the parameter for a message's id. One that is no id matches nothing.
	id(id string) any
	// ids is what stands in the brackets of "id in ()", with its parameters.
	ids(ids []string) (string, []any)
	// keys is the same for "(message, recipient, place) in ()".
	keys(refs []store.DeliveryRef) (string, []any)
	// groups is the same for "(message, recipient) in ()".
	groups(refs []store.DeliveryRef) (string, []any)

	// insert stores those of ms whose id and key are free, and reports which.
	insert(ctx context.Context, x *session, ms []store.NewMessage) ([]bool, error)
	// claim leases what is due, lane by lane, the longest due first, and says when the lanes are due that gave less than their room.
	claim(ctx context.Context, s *Store, r store.LeaseRequest) (claims, error)
	// settle writes ss, with their attempts, and reports which. Unless it is sure that ss are right for what they meet, it leaves out
	// what is not leased under the claim, was settled or was canceled.
	settle(ctx context.Context, x *session, ss []store.Settlement, verified bool) ([]bool, error)
	// wake wakes the live peers of the grouped deliveries among refs.
	wake(ctx context.Context, x *session, refs []store.DeliveryRef) error
	// extend lets leases run, and reports which it found.
	extend(ctx context.Context, x *session, es []store.Extension, lease time.Duration) ([]bool, error)

	// unfit returns why the database cannot be used, apart from its schema.
	unfit(ctx context.Context, x *session) error
	// columns returns the code that reads the names of a table's columns, of which there are none if there is no table.
	columns() string
	// migrate runs do where nobody else migrates.
	migrate(ctx context.Context, s *Store, do func(*session) error) error
	// transient reports whether err may not come again if everything is done again.
	transient(err error) bool
	// duplicate reports whether err is of a unique index.
	duplicate(err error) bool
}

// traits are the words of a dialect.
type traits struct {
	folder       string
	now          string // the time in microseconds; "" if it is this process's
	greatest     string
	placeholder  byte // '?', or '$' with a number
	maxArgs      int
	prepare      bool   // the driver does not keep what it has prepared
	oneWriter    bool   // writers should queue in the process
	oneStatement bool   // one statement settles without a transaction
	committed    bool   // transactions need to be told to see what others commit
	share        string // ends a query that must see what others committed, whatever the isolation
	lock         string // ends a query whose rows are to be locked, by key only
	lockRows     string // ends a query whose rows are to be locked
	ignore       string // ends an insert that leaves what is there
	begin        string // begins a transaction, if that is not enough to be the only writer
	nextLane     string // the condition for the lanes that have something live
	live         string // the condition of the index of claims
	claimIndex   string // makes a query use the index of claims
}

// rewrite fills in what a dialect says in its own way: {now}, {greatest}, {live}, {claims} and ?. If the time is this process's, it returns
// which parameters, in order, are the time.
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

// padded repeats the last row until there are as many as in another call, so that what was prepared is found again.
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
