package notify

import (
	"context"
	"errors"
	"fmt"

	"github.com/e7ddda3c/notify/store"
)

// A Sender sends messages as part of something else; see [Notifier.In].
type Sender struct {
	n  *Notifier
	in store.Accepter
}

// In returns a Sender whose messages are accepted by a, which is a transaction of the host's in the Notifier's own store: they are
// kept if the host commits, together with its own rows, and vanish if it does not. Call [Notifier.Wake] after the commit, or the
// messages go out at the next poll of a Run. It may be used as long as a, and by as many goroutines. With a store st of sqlstore:
//
//	tx, err := db.BeginTx(ctx, nil)
//	…
//	defer tx.Rollback()
//	_, err = tx.ExecContext(ctx, "insert into orders …")
//	…
//	_, err = n.In(st.Tx(tx)).Send(ctx, notify.Message{Key: "order-7-paid", …})
//	…
//	err = tx.Commit()
//	…
//	n.Wake()
func (n *Notifier) In(a store.Accepter) Sender { return Sender{n, a} }

// Send is [Notifier.Send] within the transaction. An error means that the transaction may be of no use any more: roll it back. It calls
// the database under ctx as it is, and it tells OnOutcome and OnTransition of the message before the host's commit. A message that has
// expired is refused even if its Key is known: to look for that would take a connection beside the transaction's.
func (s Sender) Send(ctx context.Context, m Message) (Report, error) {
	switch {
	case s.n == nil || s.n.store == nil:
		return Report{}, fault("store", ErrNeedsStore)
	case isNil(s.in):
		return Report{}, fault("in", errors.New("is nil"))
	case !s.n.running.enter():
		return Report{}, ErrClosed
	}
	defer s.n.running.leave()
	r, _, err := s.n.accept(ctx, m, func(ctx context.Context, m store.NewMessage, late error) (store.Acceptance, error) {
		if late != nil {
			return store.Acceptance{}, late
		}
		as, err := s.n.acceptIn(ctx, s.in, []store.NewMessage{m})
		if err != nil {
			return store.Acceptance{}, fmt.Errorf("notify: not accepted: %w", err)
		}
		return as[0], nil
	})
	return r, err
}
