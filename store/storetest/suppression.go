package storetest

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/e7ddda3c/notify/store"
)

var suppressionRules = []rule{
	{"suppressions", "suppressions are found by their keys, in each part exactly; At is the store's clock", withSuppressions(suppressionsFound)},
	{"stay", "a suppression that is there already stays as it is", withSuppressions(suppressionsStay)},
	{"many suppressions", "hundreds can be stored and looked for in one call", withSuppressions(suppressionsMany)},
	{"delete a suppression", "DeleteSuppression reports whether there was one", withSuppressions(suppressionsDelete)},
	{"suppressions and an ended context", "a call with an ended context returns an error and does nothing", withSuppressions(suppressionsEnded)},
}

// withSuppressions tests stores that have the port.
func withSuppressions(test func(*run, store.Suppressions)) func(*run) {
	return func(r *run) {
		s, ok := r.store.(store.Suppressions)
		if !ok {
			r.Skip("storetest: the store has no Suppressions")
		}
		test(r, s)
	}
}

// dead makes a suppression.
func dead(tenant, kind, address string) store.Suppression {
	return store.Suppression{SuppressionKey: store.SuppressionKey{Tenant: tenant, Kind: kind, Address: address}, Reason: "bounced"}
}

func (r *run) suppress(s store.Suppressions, xs ...store.Suppression) {
	r.Helper()
	r.done("SaveSuppressions", s.SaveSuppressions(r.Context(), xs), nil)
}

// found looks for the keys of xs, and returns what is there, by key and without times.
func (r *run) found(s store.Suppressions, xs ...store.Suppression) map[store.SuppressionKey]string {
	r.Helper()
	var keys []store.SuppressionKey
	for _, x := range xs {
		keys = append(keys, x.SuppressionKey)
	}
	got, err := s.FindSuppressions(r.Context(), keys)
	r.done("FindSuppressions", err, got)
	reasons := map[store.SuppressionKey]string{}
	for _, x := range got {
		if x.At.IsZero() {
			r.broken("a suppression has no At")
		}
		reasons[x.SuppressionKey] = x.Reason
	}
	r.same("the suppressions, each once", len(got), len(reasons))
	return reasons
}

func suppressionsFound(r *run, s store.Suppressions) {
	a, b := dead("shop", "email", "größe@example.com"), dead("", "phone", "+4917")
	r.suppress(s)
	r.suppress(s, a, b)
	others := []store.Suppression{dead("Shop", "email", a.Address), dead("", "email", a.Address), dead("shop", "phone", a.Address),
		dead("shop", "email", "Größe@example.com"), dead("shop", "email", a.Address+" ")}
	want := map[store.SuppressionKey]string{a.SuppressionKey: "bounced", b.SuppressionKey: "bounced"}
	r.same("what is found of two and five others", r.found(s, slices.Concat(others, []store.Suppression{a, b, a})...), want)
	r.same("what is found of nothing", len(r.found(s)), 0)
}

func suppressionsStay(r *run, s store.Suppressions) {
	a := dead("shop", "email", "ann@example.com")
	r.suppress(s, a)
	before, err := s.FindSuppressions(r.Context(), []store.SuppressionKey{a.SuppressionKey})
	r.done("FindSuppressions", err, before)
	again, twice := a, dead("shop", "email", "bob@example.com")
	again.Reason = "invalid"
	r.suppress(s, again, twice, twice)
	after, err := s.FindSuppressions(r.Context(), []store.SuppressionKey{a.SuppressionKey})
	r.done("FindSuppressions", err, after)
	r.same("a suppression that was stored again", after, before)
	r.same("another of the same call", len(r.found(s, twice)), 1)
}

func suppressionsMany(r *run, s store.Suppressions) {
	var xs []store.Suppression
	for i := range 700 {
		xs = append(xs, dead("shop", "email", strings.Repeat("long", 100)+strconv.Itoa(i)))
	}
	r.suppress(s, xs...)
	r.same("what is found", len(r.found(s, xs...)), len(xs))
}

func suppressionsDelete(r *run, s store.Suppressions) {
	a, b := dead("shop", "email", "ann@example.com"), dead("other", "email", "ann@example.com")
	r.suppress(s, a, b)
	for _, want := range []bool{true, false} {
		was, err := s.DeleteSuppression(r.Context(), a.SuppressionKey)
		r.done("DeleteSuppression", err, nil)
		r.same("whether there was one", was, want)
	}
	r.same("what is found", r.found(s, a, b), map[store.SuppressionKey]string{b.SuppressionKey: "bounced"})
}

func suppressionsEnded(r *run, s store.Suppressions) {
	a, b := dead("shop", "email", "ann@example.com"), dead("shop", "email", "bob@example.com")
	r.suppress(s, a)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	errs := map[string]error{"SaveSuppressions": s.SaveSuppressions(ctx, []store.Suppression{b})}
	_, errs["FindSuppressions"] = s.FindSuppressions(ctx, []store.SuppressionKey{a.SuppressionKey})
	_, errs["DeleteSuppression"] = s.DeleteSuppression(ctx, a.SuppressionKey)
	r.fail(errs)
	r.same("what is found", r.found(s, a, b), map[store.SuppressionKey]string{a.SuppressionKey: "bounced"})
}
