package storetest

import (
	"time"

	"github.com/e7ddda3c/notify/store"
)

var extendRules = []rule{
	{"end", "an extended lease ends at the given duration from now, on the store's clock; the claim stays", extendEnd},
	{"lost", "an extension with an outdated claim is lost: it is returned and not written; the others of the call are written", extendLost},
	{"settled", "an extension of a settled lease has no effect", extendSettled},
}

func extendEnd(r *run) {
	r.accept(letter(), letter())
	ls := r.ask(short, mail).Deliveries
	if len(ls) != 2 {
		r.stop("%d deliveries are leased, want 2", len(ls))
	}
	before := r.now()
	if lost := r.extend(long, store.Extension{DeliveryRef: ls[0].DeliveryRef}); len(lost) > 0 {
		r.stop("a lease with a current claim is returned as lost")
	}
	d := r.stored(ls[0].DeliveryRef)
	if d.Due.Before(before.Add(long)) || d.Due.After(r.now().Add(long)) {
		r.broken("a lease that was extended by an hour at %v ends at %v", before, d.Due)
	}
	r.same("Claim", d.Claim, ls[0].Claim)
	if l := r.again(long); l.MessageID != ls[1].MessageID {
		r.broken("the extended lease ran out")
	}
	r.none("one lease was extended, and the other delivery is leased again", mail)
	r.settled(ends(ls[0], store.Sent, ""))
}

func extendLost(r *run) {
	m := letter()
	r.accept(m)
	old := r.one(0, mail)
	mine := r.again(long)
	r.accept(letter())
	good := r.one(time.Minute, mail)
	missing := store.DeliveryRef{MessageID: newID(), Claim: 1}
	lost := r.extend(2*long, store.Extension{DeliveryRef: old.DeliveryRef, Marked: true}, store.Extension{DeliveryRef: good.DeliveryRef},
		store.Extension{DeliveryRef: missing})
	r.same("the lost extensions", lost, []store.DeliveryRef{old.DeliveryRef, missing})
	r.same("a delivery after an extension with an outdated claim", r.stored(mine.DeliveryRef), mine.Delivery)
	if d := r.stored(good.DeliveryRef); !d.Due.After(good.Due.Add(long)) {
		r.broken("another lease of the same call is not extended: it ends at %v", d.Due)
	}
}

func extendSettled(r *run) {
	r.accept(letter())
	l := r.one(long, mail)
	due := r.now().Add(time.Minute)
	r.settled(waits(l, due))
	r.extend(long, store.Extension{DeliveryRef: l.DeliveryRef, Marked: true})
	d := r.stored(l.DeliveryRef)
	r.same("Due after an extension of a settled lease", d.Due, due)
	r.same("Marked after an extension of a settled lease", d.Marked, false)
	r.cancel(l.MessageID)
	r.extend(0, store.Extension{DeliveryRef: l.DeliveryRef})
	r.none("the delivery is canceled, and only a settled lease was extended", mail)
	r.accept(letter())
	l = r.one(long, mail)
	r.settled(ends(l, store.Sent, ""))
	r.extend(0, store.Extension{DeliveryRef: l.DeliveryRef})
	r.none("the delivery is sent, and only a settled lease was extended", mail)
}
