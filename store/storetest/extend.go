package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var extendRules = []rule{
	{"runs on", "a lease that is extended runs out so long after the extension, on the store's clock; its claim stays", extendRunsOn},
	{"lost", "a lease whose claim has changed is lost: it is returned, and nothing is written; the others of the call are extended", extendLost},
	{"settled", "a lease that was settled is not extended", extendSettled},
}

func extendRunsOn(r *run) {
	r.accept(letter(), letter())
	ls := r.ask(short, mail).Deliveries
	if len(ls) != 2 {
		r.stop("%d deliveries are leased, want 2", len(ls))
	}
	before := r.now()
	if lost := r.extend(long, store.Extension{DeliveryRef: ls[0].DeliveryRef}); len(lost) > 0 {
		r.stop("a lease that nobody else took is lost")
	}
	d := r.stored(ls[0].DeliveryRef)
	if d.Due.Before(before.Add(long)) || d.Due.After(r.now().Add(long)) {
		r.broken("a lease that is extended by an hour at %v runs out at %v", before, d.Due)
	}
	r.same("Claim", d.Claim, ls[0].Claim)
	if l := r.again(long); l.MessageID != ls[1].MessageID {
		r.broken("the lease that was extended ran out")
	}
	r.none("one lease was extended, the other taken over", mail)
	r.settled(ends(ls[0], store.Sent, ""))
}

func extendLost(r *run) {
	m := letter()
	r.accept(m)
	old := r.one(0, mail)
	mine := r.again(long)
	r.accept(letter())
	good := r.one(time.Minute, mail)
	nobody := store.DeliveryRef{MessageID: newID(), Claim: 1}
	lost := r.extend(2*long, store.Extension{DeliveryRef: old.DeliveryRef, Marked: true}, store.Extension{DeliveryRef: good.DeliveryRef},
		store.Extension{DeliveryRef: nobody})
	r.same("what is lost", lost, []store.DeliveryRef{old.DeliveryRef, nobody})
	r.same("a delivery whose old lease was extended", r.stored(mine.DeliveryRef), mine.Delivery)
	if d := r.stored(good.DeliveryRef); !d.Due.After(good.Due.Add(long)) {
		r.broken("another lease of the same call is not extended: it runs out at %v", d.Due)
	}
}

func extendSettled(r *run) {
	r.accept(letter())
	l := r.one(long, mail)
	due := r.now().Add(time.Minute)
	r.settled(waits(l, due))
	r.extend(long, store.Extension{DeliveryRef: l.DeliveryRef, Marked: true})
	d := r.stored(l.DeliveryRef)
	r.same("Due of a delivery whose settled lease was extended", d.Due, due)
	r.same("Marked of a delivery whose settled lease was extended", d.Marked, false)
	r.cancel(l.MessageID)
	r.extend(0, store.Extension{DeliveryRef: l.DeliveryRef})
	r.none("it is canceled, and a settled lease was extended", mail)
	r.accept(letter())
	l = r.one(long, mail)
	r.settled(ends(l, store.Sent, ""))
	r.extend(0, store.Extension{DeliveryRef: l.DeliveryRef})
	r.none("it is sent, and a settled lease was extended", mail)
}
