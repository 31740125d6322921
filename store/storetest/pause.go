package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

var pauseRules = []rule{
	{"pauses", "a pause lasts for the given duration from now, on the store's clock, and keeps its Failure; pauses are listed by channel", with(pausesKept)},
	{"never shortened", "a pause does not replace one that ends later", with(pausesNeverShortened)},
	{"pauses end", "a pause that has ended is not listed, and the channel does not count as paused", with(pausesEnd)},
	{"delete a pause", "DeletePause ends a pause, and reports whether the channel was paused", with(pausesDelete)},
	{"pauses and an ended context", "a call with an ended context returns an error and does nothing", with(pausesContext)},
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
		r.report(clock, "ListPauses returned a zero time as the store's clock")
	}
	return ps, now
}

// deletePause deletes a pause, and reports whether the channel was paused.
func (r *run) deletePause(s store.Pauses, channel string) bool {
	r.Helper()
	was, err := s.DeletePause(r.Context(), channel)
	r.done("DeletePause", err, nil)
	return was
}

func pausesKept(r *run, s store.Pauses) {
	ps, before := r.pauses(s)
	r.same("the number of pauses of an empty store", len(ps), 0)
	r.pause(s, "sms", time.Hour)
	r.pause(s, "email", 2*time.Hour)
	ps, after := r.pauses(s)
	if len(ps) != 2 {
		r.stop("%d pauses are listed, want 2", len(ps))
	}
	r.same("the channel of the first pause", ps[0].Channel, "email")
	r.same("the failure of the first pause", ps[0].Failure, *fault())
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
	r.same("the pauses after a shorter one", after, before)
	r.done("SavePause", s.SavePause(r.Context(), store.Pause{Channel: "sms", Failure: store.Failure{Text: "longer"}}, 2*time.Hour), nil)
	after, _ = r.pauses(s)
	if len(after) != 1 || !after[0].Until.After(before[0].Until) || after[0].Failure.Text != "longer" {
		r.broken("the pauses are %+v after a longer one, want only that one", after)
	}
}

func pausesEnd(r *run, s store.Pauses) {
	r.pause(s, "sms", short)
	r.pause(s, "email", time.Hour)
	r.until("end of a pause", func() bool {
		ps, _ := r.pauses(s)
		return !slices.ContainsFunc(ps, func(p store.Pause) bool { return p.Channel == "sms" })
	})
	r.same("the result of DeletePause after the end of a pause", r.deletePause(s, "sms"), false)
	r.pause(s, "sms", time.Minute)
	ps, _ := r.pauses(s)
	r.same("the number of pauses after one was renewed", len(ps), 2)
}

func pausesDelete(r *run, s store.Pauses) {
	r.pause(s, "sms", time.Hour)
	r.pause(s, "email", time.Hour)
	r.same("the result of DeletePause for an unknown channel", r.deletePause(s, "push"), false)
	r.same("the result of DeletePause", r.deletePause(s, "sms"), true)
	r.same("the result of a repeated DeletePause", r.deletePause(s, "sms"), false)
	ps, _ := r.pauses(s)
	if len(ps) != 1 || ps[0].Channel != "email" {
		r.broken("the pauses are %+v, want only that of email", ps)
	}
}

func pausesContext(r *run, s store.Pauses) {
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
