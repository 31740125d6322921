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
	// keys is what stands in the brackets of "(message, recipient, place) in ()", with its parameters.
	keys(refs []store.DeliveryRef) (string, []any)
	// groups is the same for "(message, recipient) in ()".
	groups(refs []store.DeliveryRef) (string, []any)

	// insert stores those of ms whose id and key are free, and reports which.
	insert(ctx context.Context, x *session, ms []store.NewMessage) ([]bool, error)
	// claim leases what is due, lane by lane, the longest due first, and says when the lanes are due that gave less than their room.
	claim(ctx context.Context, s *Store, r store.LeaseRequest) (claims, error)
	// settle writes ss, with their attempts, and reports which. Unless it is sure that ss are right for what they meet, it leaves out
	// what is not leased under the claim, was settled or was canceled.
	settle(ctx context.Context, x *session, ss []store.Settlement, sure bool) ([]bool, error)
	// wake wakes the live peers of the grouped deliveries among refs.
	wake(ctx context.Context, x *session, refs []store.DeliveryRef) error
	// extend lets leases run, and reports which it found.
	extend(ctx context.Context, x *session, es []store.Extension, lease time.Duration) ([]bool, error)

	// unfit returns why the database cannot be used, apart from its schema.
	unfit(ctx context.Context, x *session) error
	// hasSchema reports whether the table of versions is there.
	hasSchema(ctx context.Context, x *session) (bool, error)
	// migrate runs do where nobody else migrates.
	migrate(ctx context.Context, s *Store, do func(*session) error) error
	// transient reports whether err may not come again if everything is done again.
	transient(err error) bool
	// duplicate reports whether err is of a unique index.
	duplicate(err error) bool
}

// traits are the words of a dialect.
type traits struct {
	folder      string
	now         string // the time in microseconds; "" if it is this process's
	greatest    string
	placeholder byte // '?', or '$' with a number
	maxArgs     int
	prepare     bool   // the driver does not keep what it has prepared
	oneWriter   bool   // writers should queue in the process
	alone       bool   // one statement settles without a transaction
	committed   bool   // transactions need to be told to see what others commit
	share       string // ends a query that must see what others committed, whatever the isolation
	lock        string // ends a query whose rows are to be locked, by key only
	lockRows    string // ends a query whose rows are to be locked
	ignore      string // ends an insert that leaves what is there
	begin       string // begins a transaction, if that is not enough to be the only writer
	nextLane    string // the condition for the lanes that have something live
	live        string // the condition of the index of claims
	claimIndex  string // makes a query use the index of claims
}

// words fills in what a dialect says in its own way: {now}, {greatest} and ?. It reports whether the time is the first parameter.
func (t traits) words(text string) (string, bool) {
	text = strings.ReplaceAll(text, "{greatest}", t.greatest)
	text = strings.ReplaceAll(text, "{claims}", t.claimIndex)
	text = strings.ReplaceAll(text, "{live}", t.live)
	next := 1
	local := t.now == "" && strings.Contains(text, "{now}")
	if local {
		next = 2
	}
	now := t.now
	if now == "" {
		now = "?1"
	}
	var b strings.Builder
	for part := range strings.SplitAfterSeq(text, "?") {
		before, marked := strings.CutSuffix(part, "?")
		b.WriteString(strings.ReplaceAll(before, "{now}", now))
		switch {
		case !marked:
		case t.placeholder == '$' || local:
			b.WriteByte(t.placeholder)
			b.WriteString(strconv.Itoa(next))
			next++
		default:
			b.WriteByte('?')
		}
	}
	return b.String(), local
}
