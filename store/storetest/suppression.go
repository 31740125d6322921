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
	{"suppressions", "a lease has the Reason of exactly the suppression that the delivery names", with(suppressionsFound)},
	{"no address", "a suppression without an Address is an error, and suppresses nothing", with(suppressionsNowhere)},
	{"stored once", "a suppression that is already stored stays unchanged", with(suppressionsStay)},
	{"current", "each lease has the suppression that is stored at its claim, and a suppression changes nothing else", with(suppressionsNow)},
	{"many suppressions", "a call can store hundreds of suppressions", with(suppressionsMany)},
	{"delete a suppression", "DeleteSuppression reports whether there was one", with(suppressionsDelete)},
	{"suppressions and an ended context", "a call with an ended context returns an error and does nothing", with(suppressionsEnded)},
}

// suppressed returns a suppression of an address.
func suppressed(tenant, kind, address string) store.Suppression {
	return store.Suppression{SuppressionKey: store.SuppressionKey{Tenant: tenant, Kind: kind, Address: address}, Reason: "bounced"}
}

func (r *run) suppress(s store.Suppressions, xs ...store.Suppression) {
	r.Helper()
	r.done("SaveSuppressions", s.SaveSuppressions(r.Context(), xs), nil)
}

// found accepts and leases a delivery to each of xs, and returns the reasons of those that are suppressed.
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
	a, b := suppressed("shop", "email", "größe@example.com"), suppressed("", "phone", "+4917")
	r.suppress(s)
	r.suppress(s, a, b)
	others := []store.Suppression{suppressed("Shop", "email", a.Address), suppressed("", "email", a.Address), suppressed("shop", "phone", a.Address),
		suppressed("shop", "email", "Größe@example.com"), suppressed("shop", "email", a.Address+" "), suppressed("shop", "email", ""), {}}
	want := map[store.SuppressionKey]store.Reason{a.SuppressionKey: "bounced", b.SuppressionKey: "bounced"}
	r.same("the suppressed deliveries to two stored and seven other addresses", r.found(slices.Concat(others, []store.Suppression{a, b, a})...), want)
}

func suppressionsNowhere(r *run, s store.Suppressions) {
	a, none := suppressed("shop", "email", "ann@example.com"), suppressed("shop", "email", "")
	r.fail(map[string]error{"SaveSuppressions": s.SaveSuppressions(r.Context(), []store.Suppression{a, none})})
	r.same("the suppressed deliveries", r.found(a, none, store.Suppression{}), map[store.SuppressionKey]store.Reason{})
}

func suppressionsStay(r *run, s store.Suppressions) {
	a := suppressed("shop", "email", "ann@example.com")
	r.suppress(s, a)
	again, twice := a, suppressed("shop", "email", "bob@example.com")
	again.Reason = "invalid"
	r.suppress(s, again, twice, twice)
	want := map[store.SuppressionKey]store.Reason{a.SuppressionKey: "bounced", twice.SuppressionKey: "bounced"}
	r.same("a suppression that was stored again, and one that was given twice in a call", r.found(a, twice), want)
}

func suppressionsNow(r *run, s store.Suppressions) {
	a := suppressed("shop", "email", "ann@example.com")
	d := to(0, 0, mail)
	d.Suppression = a.SuppressionKey
	r.accept(message(d))
	first := r.one(time.Millisecond, mail)
	r.same("Suppressed before the suppression is stored", first.Suppressed, store.Reason(""))
	r.suppress(s, a)
	second := r.again(time.Millisecond)
	r.same("Suppressed after the suppression is stored", second.Suppressed, store.ReasonBounced)
	_, err := s.DeleteSuppression(r.Context(), a.SuppressionKey)
	r.done("DeleteSuppression", err, nil)
	third := r.again(time.Hour)
	r.same("Suppressed after the suppression is deleted", third.Suppressed, store.Reason(""))
	r.same("the status of the delivery", third.Status, store.Accepted)
}

func suppressionsMany(r *run, s store.Suppressions) {
	var xs []store.Suppression
	for i := range 700 {
		xs = append(xs, suppressed("shop", "email", strings.Repeat("long", 100)+strconv.Itoa(i)))
	}
	r.suppress(s, xs...)
	r.same("the number of suppressed deliveries", len(r.found(xs...)), len(xs))
}

func suppressionsDelete(r *run, s store.Suppressions) {
	a, b := suppressed("shop", "email", "ann@example.com"), suppressed("other", "email", "ann@example.com")
	r.suppress(s, a, b)
	for _, want := range []bool{true, false} {
		was, err := s.DeleteSuppression(r.Context(), a.SuppressionKey)
		r.done("DeleteSuppression", err, nil)
		r.same("the result of DeleteSuppression", was, want)
	}
	r.same("the suppressed deliveries", r.found(a, b), map[store.SuppressionKey]store.Reason{b.SuppressionKey: "bounced"})
}

func suppressionsEnded(r *run, s store.Suppressions) {
	a, b := suppressed("shop", "email", "ann@example.com"), suppressed("shop", "email", "bob@example.com")
	r.suppress(s, a)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	errs := map[string]error{"SaveSuppressions": s.SaveSuppressions(ctx, []store.Suppression{b})}
	_, errs["DeleteSuppression"] = s.DeleteSuppression(ctx, a.SuppressionKey)
	r.fail(errs)
	r.same("the suppressed deliveries", r.found(a, b), map[store.SuppressionKey]store.Reason{a.SuppressionKey: "bounced"})
}
