package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

var pauseRules = []rule{
	{"pauses", "a pause holds a channel for so long from now, on the store's clock, and says why; they are listed by channel", with(pausesKept)},
	{"never shortened", "a pause does not replace one that holds the channel longer", with(pausesNeverShortened)},
	{"pauses pass", "a pause that has passed is not listed, and holds nothing", with(pausesPass)},
	{"delete a pause", "DeletePause lets a channel go on, and reports whether it was held", with(pausesDelete)},
	{"pauses and an ended context", "a call with an ended context returns an error and does nothing", with(pausesEnded)},
}

func (r *run) pause(s store.Pauses, channel string, length time.Duration) {
	r.Helper()
	r.done("SavePause", s.SavePause(r.Context(), store.Pause{Channel: channel, Failure: *fault()}, length), nil)
}

func (r *run) pauses(s store.Pauses) ([]store.Pause, time.Time) {
	r.Helper()
	ps, now, err := s.ListPauses(r.Context())
	r.done("ListPauses", err, ps)
	r.done("ListPauses", nil, []time.Time{now})
	if now.IsZero() {
		r.report(clock, "ListPauses returns no clock")
	}
	return ps, now
}

// lift deletes a pause.
func (r *run) lift(s store.Pauses, channel string) bool {
	r.Helper()
	was, err := s.DeletePause(r.Context(), channel)
	r.done("DeletePause", err, nil)
	return was
}

func pausesKept(r *run, s store.Pauses) {
	ps, before := r.pauses(s)
	r.same("the pauses of an empty store", len(ps), 0)
	r.pause(s, "sms", time.Hour)
	r.pause(s, "email", 2*time.Hour)
	ps, after := r.pauses(s)
	if len(ps) != 2 {
		r.stop("%d pauses are listed, want 2", len(ps))
	}
	r.same("the first by channel", ps[0].Channel, "email")
	r.same("why", ps[0].Failure, *fault())
	for i, length := range []time.Duration{2 * time.Hour, time.Hour} {
		if u := ps[i].Until; u.Before(before.Add(length)) || u.After(after.Add(length)) {
			r.broken("a pause of %v that began between %v and %v ends at %v", length, before, after, u)
		}
	}
}

func pausesNeverShortened(r *run, s store.Pauses) {
	r.done("SavePause", s.SavePause(r.Context(), store.Pause{Channel: "sms", Failure: store.Failure{Text: "long"}}, time.Hour), nil)
	before, _ := r.pauses(s)
	r.done("SavePause", s.SavePause(r.Context(), store.Pause{Channel: "sms", Failure: store.Failure{Text: "short"}}, time.Minute), nil)
	after, _ := r.pauses(s)
	r.same("the pause, after a shorter one", after, before)
	r.done("SavePause", s.SavePause(r.Context(), store.Pause{Channel: "sms", Failure: store.Failure{Text: "longer"}}, 2*time.Hour), nil)
	after, _ = r.pauses(s)
	if len(after) != 1 || !after[0].Until.After(before[0].Until) || after[0].Failure.Text != "longer" {
		r.broken("a pause is %+v after a longer one, want that", after)
	}
}

func pausesPass(r *run, s store.Pauses) {
	r.pause(s, "sms", short)
	r.pause(s, "email", time.Hour)
	r.until("the end of a pause", func() bool {
		ps, _ := r.pauses(s)
		return !slices.ContainsFunc(ps, func(p store.Pause) bool { return p.Channel == "sms" })
	})
	r.same("whether a channel was held whose pause has passed", r.lift(s, "sms"), false)
	r.pause(s, "sms", time.Minute)
	ps, _ := r.pauses(s)
	r.same("the pauses, after one began again", len(ps), 2)
}

func pausesDelete(r *run, s store.Pauses) {
	r.pause(s, "sms", time.Hour)
	r.pause(s, "email", time.Hour)
	r.same("whether an unknown channel was held", r.lift(s, "push"), false)
	r.same("whether a channel was held", r.lift(s, "sms"), true)
	r.same("whether it was held the second time", r.lift(s, "sms"), false)
	ps, _ := r.pauses(s)
	if len(ps) != 1 || ps[0].Channel != "email" {
		r.broken("the pauses are %+v, want only that of email", ps)
	}
}

func pausesEnded(r *run, s store.Pauses) {
	r.pause(s, "sms", time.Hour)
	before, _ := r.pauses(s)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	errs := map[string]error{"SavePause": s.SavePause(ctx, store.Pause{Channel: "email"}, time.Hour)}
	_, _, errs["ListPauses"] = s.ListPauses(ctx)
	_, errs["DeletePause"] = s.DeletePause(ctx, "sms")
	r.fail(errs)
	after, _ := r.pauses(s)
	r.same("the pauses", after, before)
}
