package storetest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/e7ddda3c/notify/store"
)

var concurrentRules = []rule{
	{"each once", "if many goroutines lease and settle concurrently, each delivery is leased once", concurrentOnce},
	{"wake storm", "if groups are settled, woken and raised by receipts concurrently, no call fails because of a deadlock, and no wake is lost",
		concurrentWakes},
	{"fences", "of many concurrent settlements of successive leases, at most one is written per claim", concurrentFences},
}

// parallel runs work on n goroutines, each until it returns false or an error. An error cancels ctx, and so does the end of r.patience.
func (r *run) parallel(n int, work func(ctx context.Context, no int) (more bool, err error)) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), r.patience)
	defer cancel()
	var wg sync.WaitGroup
	for no := range n {
		wg.Go(func() {
			for {
				more, err := work(ctx, no)
				if err != nil {
					cancel()
					r.broken("a concurrent call failed, or the test took longer than %v: %v", r.patience, err)
				}
				if err != nil || !more {
					return
				}
			}
		})
	}
	wg.Wait()
}

// idle waits for one polling interval.
func idle(ctx context.Context) error {
	t := time.NewTimer(tick)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func concurrentOnce(r *run) {
	const messages, each = 60, 4
	for range messages {
		r.accept(message(to(0, 0, mail), to(1, 0, text), to(2, 0, mail), to(3, 0, mail)))
	}
	var mu sync.Mutex
	taken := map[store.DeliveryRef]int{}
	var left atomic.Int64
	left.Store(messages * each)
	r.parallel(6, func(ctx context.Context, no int) (bool, error) {
		ls, err := r.store.LeaseDeliveries(ctx, store.LeaseRequest{Lease: long,
			Lanes: []store.LaneRoom{{Lane: mail, Room: 3 + no}, {Lane: text, Room: 1 + no%3}}})
		if err != nil {
			return false, err
		}
		var ss []store.Settlement
		for _, l := range ls.Deliveries {
			mu.Lock()
			taken[store.DeliveryRef{MessageID: l.MessageID, Recipient: l.Recipient}]++
			mu.Unlock()
			ss = append(ss, called(l, ""))
		}
		lost, err := r.store.SettleDeliveries(ctx, ss)
		if len(lost) > 0 {
			return false, fmt.Errorf("%d settlements of leases of an hour are lost", len(lost))
		}
		if left.Add(-int64(len(ss))) <= 0 || err != nil {
			return false, err
		}
		if len(ss) == 0 {
			return true, idle(ctx)
		}
		return true, nil
	})
	for ref, n := range taken {
		if n != 1 {
			r.stop("%v was leased %d times", ref, n)
		}
	}
	r.same("the number of leased deliveries", len(taken), messages*each)
	r.none("all deliveries are sent", mail, text)
}

// concurrentWakes sends the deliveries of each group in the order of their places: each waits for an hour unless the earlier ones are
// settled. A group with a lost wake therefore does not finish.
func concurrentWakes(r *run) {
	const groups, places = 40, 3
	lanes := []store.Lane{mail, text, chat}
	for range groups {
		r.accept(group(lanes...))
	}
	var left atomic.Int64
	left.Store(groups * places)
	r.parallel(6, func(ctx context.Context, no int) (bool, error) {
		request := store.LeaseRequest{Lease: long}
		for i := range lanes {
			request.Lanes = append(request.Lanes, store.LaneRoom{Lane: lanes[(i+no)%places], Room: 5 + no})
		}
		ls, err := r.store.LeaseDeliveries(ctx, request)
		if err != nil {
			return false, err
		}
		var ss []store.Settlement
		var rs []store.Receipt
		for i, l := range ls.Deliveries {
			s := inTurn(l, ls.Now)
			if s.Wake && i%4 == 0 { // a receipt overtakes the settlement
				rs = append(rs, store.Receipt{DeliveryRef: l.DeliveryRef, Status: store.Delivered})
			}
			if s.Wake {
				left.Add(-1)
			}
			ss = append(ss, s)
		}
		if _, err := r.store.RecordReceipts(ctx, rs); err != nil {
			return false, err
		}
		lost, err := r.store.SettleDeliveries(ctx, ss)
		switch {
		case err != nil:
			return false, err
		case len(lost) > 0:
			return false, fmt.Errorf("%d settlements of leases of an hour are lost", len(lost))
		case len(ss) > 0:
			return true, nil
		}
		return left.Load() > 0, idle(ctx)
	})
	for _, m := range r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}, Limit: 500}).Messages {
		for _, d := range m.Deliveries {
			if !d.Status.Settled() {
				r.stop("delivery %v is still %s, due at %v", d.DeliveryRef, d.Status, d.Due)
			}
			r.same("Attempts", d.Attempts, 1)
		}
	}
}

// inTurn returns a settlement of l: to sent if all earlier deliveries of its group are settled, and otherwise to a wait of an hour.
func inTurn(l store.Leased, now time.Time) store.Settlement {
	for _, p := range l.Group {
		if p.Place < l.Place && !p.Status.Settled() {
			return waits(l, now.Add(long))
		}
	}
	s := called(l, l.MessageID)
	s.Wake = true
	return s
}

func concurrentFences(r *run) {
	m := letter()
	r.accept(m)
	var mu sync.Mutex
	var leases []store.Leased
	r.parallel(4, func(ctx context.Context, no int) (bool, error) {
		ls, err := r.store.LeaseDeliveries(ctx, store.LeaseRequest{Lease: 0, Lanes: []store.LaneRoom{{Lane: mail, Room: 1}}})
		if err != nil {
			return false, err
		}
		mu.Lock()
		leases = append(leases, ls.Deliveries...)
		all := len(leases)
		mine := leases[max(0, all-1-no):all]
		mu.Unlock()
		for _, l := range mine {
			s := waits(l, ls.Now)
			s.Attempt = &store.Attempt{At: ls.Now, Status: store.Held, Provider: "postman", Code: strconv.FormatInt(l.Claim, 10)}
			_, err := r.store.SettleDeliveries(ctx, []store.Settlement{s})
			if err != nil {
				return false, err
			}
		}
		return all < 60, nil
	})
	claims := map[int64]bool{}
	for _, l := range leases {
		if claims[l.Claim] {
			r.broken("two leases have the claim %d", l.Claim)
		}
		claims[l.Claim] = true
	}
	attempts := r.record(m.ID).Deliveries[0].Attempted
	written := map[string]bool{}
	for _, a := range attempts {
		written[a.Code] = true
	}
	if len(attempts) == 0 || len(written) != len(attempts) {
		r.broken("%d attempts are logged for %d claims, want one per claim", len(attempts), len(written))
	}
}
