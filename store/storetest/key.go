package storetest

import (
	"sync"

	"github.com/e7ddda3c/notify/store"
)

var keyRules = []rule{
	{"taken", "a message whose key is taken is not stored; the answer holds the message that has the key, in its current state, with its deliveries", keyTaken},
	{"taken in a batch", "an earlier message of the same call can take a key, too; the answers are in the order of the messages", keyInBatch},
	{"differs", "Differs reports that the message with the key has another Request", keyDiffers},
	{"tenants", "a key is unique within its tenant, and an empty key is no key", keyTenants},
	{"exact", "keys are compared byte by byte", keyExact},
	{"concurrent", "of concurrent calls with the same key, one stores its message, and all others return that message", keyConcurrent},
}

// keyed returns a message with a key.
func keyed(key string) store.NewMessage {
	m := letter()
	m.Key = key
	return m
}

// sameKey returns another message with the key and the Request of m.
func sameKey(m store.NewMessage) store.NewMessage {
	other := keyed(m.Key)
	other.Tenant, other.Request = m.Tenant, m.Request
	return other
}

// names checks that an answer holds m.
func (r *run) names(a store.Acceptance, m store.NewMessage) {
	r.Helper()
	switch {
	case a.First == nil:
		r.stop("a message with the key %q is accepted, although the key is taken", m.Key)
	case a.First.Message.ID != m.ID:
		r.broken("the answer for the key %q holds message %s, want %s", m.Key, a.First.Message.ID, m.ID)
	case len(a.First.Deliveries) != len(m.Deliveries):
		r.broken("the answer for the key %q holds %d deliveries, want the %d of the first message", m.Key, len(a.First.Deliveries), len(m.Deliveries))
	}
}

func keyTaken(r *run) {
	first := full()
	r.accept(first)
	second := sameKey(first)
	a := r.answers(second)[0]
	r.names(a, first)
	want := r.record(first.ID)
	r.same("the first message", *a.First, want)

	r.settled(called(r.one(long, mail), "p-1"))
	a = r.answers(sameKey(first))[0]
	r.names(a, first)
	r.same("the status of the first message's sent delivery", a.First.Deliveries[0].Status, store.Sent)
	if page := r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}}); len(page.Messages) != 1 {
		r.broken("%d messages are stored, want only the first one with the key", len(page.Messages))
	}
	r.none("a message whose key is taken stores no deliveries", mail)
}

func keyInBatch(r *run) {
	a, b, plain := keyed("a"), keyed("b"), letter()
	r.accept(b)
	as := r.answers(sameKey(b), a, plain, sameKey(a), sameKey(b), a)
	r.names(as[0], b)
	r.names(as[3], a)
	r.names(as[4], b)
	for _, i := range []int{1, 2, 5} {
		if as[i].First != nil || as[i].Differs {
			r.broken("message %d of a call is not accepted, although it is new or repeated: %+v", i, as[i])
		}
	}
	if n := len(r.ask(long, mail).Deliveries); n != 3 {
		r.broken("%d deliveries are leased, want those of the 3 accepted messages", n)
	}
}

func keyDiffers(r *run) {
	first := keyed("a")
	r.accept(first)
	other := sameKey(first)
	other.Request = []byte{1, 2, 4}
	as := r.answers(other, sameKey(first))
	r.same("Differs of another Request", as[0].Differs, true)
	r.same("Differs of the same Request", as[1].Differs, false)
	within := keyed("b")
	other = sameKey(within)
	other.Request = nil
	r.same("Differs of another Request in the same call", r.answers(within, other)[1].Differs, true)
}

func keyTenants(r *run) {
	a, b, none := keyed("a"), keyed("a"), keyed("a")
	b.Tenant, none.Tenant = "other", ""
	r.accept(a, b, none)
	r.accept(keyed(""), keyed(""))
	r.accept(keyed(""))
	r.names(r.answers(sameKey(b))[0], b)
	r.names(r.answers(sameKey(none))[0], none)
}

func keyExact(r *run) {
	var ms []store.NewMessage
	for _, key := range []string{"order", "Order", "order ", " order", "ördër", "o\u0308rde\u0308r", "0", "00", "%", "_rder", "order\t", "ORDER"} {
		ms = append(ms, keyed(key))
	}
	r.accept(ms...)
	for _, m := range ms {
		r.names(r.answers(sameKey(m))[0], m)
	}
}

func keyConcurrent(r *run) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	stored, named := map[string]bool{}, map[string]bool{}
	for range 8 {
		wg.Go(func() {
			for i := range 3 {
				m, extra := keyed("race"), letter()
				as, err := r.store.AcceptMessages(r.Context(), []store.NewMessage{extra, m}[i%2:])
				if err != nil {
					r.broken("AcceptMessages returned an error: %v", err)
					return
				}
				mu.Lock()
				if first := as[len(as)-1].First; first == nil {
					stored[m.ID] = true
				} else {
					named[first.Message.ID] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	r.same("the number of messages in answers", len(named), 1)
	r.same("the ids of the stored messages", stored, named)
}
