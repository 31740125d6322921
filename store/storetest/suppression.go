package storetest

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/store"
)

var suppressionRules = []rule{
	{"suppressions", "a lease tells the reason of exactly the suppression that the delivery names", with(suppressionsFound)},
	{"no address", "a suppression without an address is refused, and suppresses nothing", with(suppressionsNowhere)},
	{"stay", "a suppression that is there already stays as it is", with(suppressionsStay)},
	{"as it is now", "each lease tells what is stored at its claim, and a suppression changes nothing else", with(suppressionsNow)},
	{"many suppressions", "hundreds can be stored in one call", with(suppressionsMany)},
	{"delete a suppression", "DeleteSuppression reports whether there was one", with(suppressionsDelete)},
	{"suppressions and an ended context", "a call with an ended context returns an error and does nothing", with(suppressionsEnded)},
}

// dead makes a suppression.
func dead(tenant, kind, address string) store.Suppression {
	return store.Suppression{SuppressionKey: store.SuppressionKey{Tenant: tenant, Kind: kind, Address: address}, Reason: "bounced"}
}

func (r *run) suppress(s store.Suppressions, xs ...store.Suppression) {
	r.Helper()
	r.done("SaveSuppressions", s.SaveSuppressions(r.Context(), xs), nil)
}

// found accepts a delivery for each of xs, and returns why which of them are suppressed.
func (r *run) found(xs ...store.Suppression) map[store.SuppressionKey]store.Reason {
	r.Helper()
	m := message()
	for i, x := range xs {
		d := to(i, 0, mail)
		d.Suppression = x.SuppressionKey
		m.Deliveries = append(m.Deliveries, d)
	}
	r.accept(m)
	reasons := map[store.SuppressionKey]store.Reason{}
	for _, d := range r.lease(time.Hour, store.LaneRoom{Lane: mail, Room: len(xs) + 1}).Deliveries {
		if d.Suppressed != "" {
			reasons[xs[d.Recipient].SuppressionKey] = d.Suppressed
		}
	}
	return reasons
}

func suppressionsFound(r *run, s store.Suppressions) {
	a, b := dead("shop", "email", "größe@example.com"), dead("", "phone", "+4917")
	r.suppress(s)
	r.suppress(s, a, b)
	others := []store.Suppression{dead("Shop", "email", a.Address), dead("", "email", a.Address), dead("shop", "phone", a.Address),
		dead("shop", "email", "Größe@example.com"), dead("shop", "email", a.Address+" "), dead("shop", "email", ""), {}}
	want := map[store.SuppressionKey]store.Reason{a.SuppressionKey: "bounced", b.SuppressionKey: "bounced"}
	r.same("what is found of two and seven others", r.found(slices.Concat(others, []store.Suppression{a, b, a})...), want)
}

func suppressionsNowhere(r *run, s store.Suppressions) {
	a, none := dead("shop", "email", "ann@example.com"), dead("shop", "email", "")
	r.fail(map[string]error{"SaveSuppressions": s.SaveSuppressions(r.Context(), []store.Suppression{a, none})})
	r.same("what is found", r.found(a, none, store.Suppression{}), map[store.SuppressionKey]store.Reason{})
}

func suppressionsStay(r *run, s store.Suppressions) {
	a := dead("shop", "email", "ann@example.com")
	r.suppress(s, a)
	again, twice := a, dead("shop", "email", "bob@example.com")
	again.Reason = "invalid"
	r.suppress(s, again, twice, twice)
	want := map[store.SuppressionKey]store.Reason{a.SuppressionKey: "bounced", twice.SuppressionKey: "bounced"}
	r.same("a suppression that was stored again, and another of the same call", r.found(a, twice), want)
}

func suppressionsNow(r *run, s store.Suppressions) {
	a := dead("shop", "email", "ann@example.com")
	d := to(0, 0, mail)
	d.Suppression = a.SuppressionKey
	r.accept(message(d))
	first := r.one(time.Millisecond, mail)
	r.same("why a delivery is suppressed, before it is", first.Suppressed, store.Reason(""))
	r.suppress(s, a)
	second := r.again(time.Millisecond)
	r.same("why it is suppressed", second.Suppressed, store.ReasonBounced)
	_, err := s.DeleteSuppression(r.Context(), a.SuppressionKey)
	r.done("DeleteSuppression", err, nil)
	third := r.again(time.Hour)
	r.same("why it is suppressed, after it was", third.Suppressed, store.Reason(""))
	r.same("its status", third.Status, store.Accepted)
}

func suppressionsMany(r *run, s store.Suppressions) {
	var xs []store.Suppression
	for i := range 700 {
		xs = append(xs, dead("shop", "email", strings.Repeat("long", 100)+strconv.Itoa(i)))
	}
	r.suppress(s, xs...)
	r.same("how many are found", len(r.found(xs...)), len(xs))
}

func suppressionsDelete(r *run, s store.Suppressions) {
	a, b := dead("shop", "email", "ann@example.com"), dead("other", "email", "ann@example.com")
	r.suppress(s, a, b)
	for _, want := range []bool{true, false} {
		was, err := s.DeleteSuppression(r.Context(), a.SuppressionKey)
		r.done("DeleteSuppression", err, nil)
		r.same("whether there was one", was, want)
	}
	r.same("what is found", r.found(a, b), map[store.SuppressionKey]store.Reason{b.SuppressionKey: "bounced"})
}

func suppressionsEnded(r *run, s store.Suppressions) {
	a, b := dead("shop", "email", "ann@example.com"), dead("shop", "email", "bob@example.com")
	r.suppress(s, a)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	errs := map[string]error{"SaveSuppressions": s.SaveSuppressions(ctx, []store.Suppression{b})}
	_, errs["DeleteSuppression"] = s.DeleteSuppression(ctx, a.SuppressionKey)
	r.fail(errs)
	r.same("what is found", r.found(a, b), map[store.SuppressionKey]store.Reason{a.SuppressionKey: "bounced"})
}
