package storetest

import (
	"sync"

	"github.com/e7ddda3c/notify/store"
)

var keyRules = []rule{
	{"taken", "a message whose key is taken is not stored; the answer names the first with that key, as it is now, with its deliveries", keyTaken},
	{"taken in a batch", "a key is taken by an earlier message of the same call, too; the answers come in the order of the messages", keyInBatch},
	{"differs", "Differs says that the first message with the key has another Request", keyDiffers},
	{"tenants", "a key is unique within its tenant, and an empty key is none", keyTenants},
	{"exact", "keys are the same only if each byte is", keyExact},
	{"at once", "of many calls at once with the same key, one stores its message, and all others name it", keyAtOnce},
}

// keyed makes a message with a key.
func keyed(key string) store.NewMessage {
	m := letter()
	m.Key = key
	return m
}

// sameKey makes another message with the key of m.
func sameKey(m store.NewMessage) store.NewMessage {
	other := keyed(m.Key)
	other.Tenant, other.Request = m.Tenant, m.Request
	return other
}

// names checks that an answer names m.
func (r *run) names(a store.Acceptance, m store.NewMessage) {
	r.Helper()
	switch {
	case a.First == nil:
		r.stop("a message with the key %q is accepted, though the key is taken", m.Key)
	case a.First.Message.ID != m.ID:
		r.broken("the answer for the key %q names message %s, want %s", m.Key, a.First.Message.ID, m.ID)
	case len(a.First.Deliveries) != len(m.Deliveries):
		r.broken("the answer for the key %q has %d deliveries, want the %d of the first message", m.Key, len(a.First.Deliveries), len(m.Deliveries))
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
	r.same("the status of the first message's delivery, which was sent", a.First.Deliveries[0].Status, store.Sent)
	if page := r.list(store.MessageQuery{Filter: store.Filter{AnyTenant: true}}); len(page.Messages) != 1 {
		r.broken("%d messages are stored, want only the first with the key", len(page.Messages))
	}
	r.none("a message whose key was taken has no deliveries", mail)
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
			r.broken("message %d of a batch is not accepted, though it is new or repeated: %+v", i, as[i])
		}
	}
	if n := len(r.ask(long, mail).Deliveries); n != 3 {
		r.broken("%d deliveries are leased, want those of the 3 messages that were accepted", n)
	}
}

func keyDiffers(r *run) {
	first := keyed("a")
	r.accept(first)
	other := sameKey(first)
	other.Request = []byte{1, 2, 4}
	as := r.answers(other, sameKey(first))
	r.same("Differs, of another request", as[0].Differs, true)
	r.same("Differs, of the same request", as[1].Differs, false)
	within := keyed("b")
	other = sameKey(within)
	other.Request = nil
	r.same("Differs, of another request in the same call", r.answers(within, other)[1].Differs, true)
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

func keyAtOnce(r *run) {
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
	r.same("the messages that were named", len(named), 1)
	r.same("the messages that were stored, by id", stored, named)
}
