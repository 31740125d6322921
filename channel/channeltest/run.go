package channeltest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

const (
	soon     = 2 * time.Second        // for what should happen at once, on a busy machine
	patience = 10 * time.Second       // for a Send whose peer answers
	short    = 300 * time.Millisecond // a deadline that passes
)

// A run is one rule under test.
type run struct {
	*testing.T
	Suite
	rule *rule
	told map[*rule]bool // the rules that were explained
}

// broken reports that r's rule does not hold.
func (r *run) broken(format string, args ...any) {
	r.Helper()
	r.report(r.rule, format, args...)
}

func (r *run) report(rule *rule, format string, args ...any) {
	r.Helper()
	text := fmt.Sprintf("channeltest: rule %q is broken: ", rule.name) + fmt.Sprintf(format, args...)
	if !r.told[rule] {
		r.told[rule] = true
		text += "\n\trule: " + rule.says + "\n\tmend: " + rule.mend
	}
	r.Error(text)
}

// open opens the driver with a peer, and closes it at the end of the test.
func (r *run) open(p Peer) channel.Channel {
	r.Helper()
	c := r.Open(r.T, p)
	if c == nil {
		r.Fatalf("channeltest: Suite.Open returned nil for a peer that %s: list it in Suite.Cannot if the medium has none", p)
	}
	r.Cleanup(func() { r.close(c) })
	return c
}

// close closes c, which has [soon] to do so. It returns what is wrong with that.
func (r *run) close(c channel.Channel) (fault string) {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	done := make(chan string, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Sprintf("Close panics: %v\n%s", v, debug.Stack())
			}
		}()
		_ = channel.Close(ctx, c)
		done <- ""
	}()
	select {
	case fault = <-done:
		return fault
	case <-time.After(2 * soon):
		return fmt.Sprintf("Close has not returned after %v", 2*soon)
	}
}

// validate asks the driver, and watches the rules for all errors.
func (r *run) validate(c channel.Channel, d channel.Delivery) (err error) {
	r.Helper()
	defer func() {
		if v := recover(); v != nil {
			r.report(noPanic, "Validate panics: %v\n%s", v, debug.Stack())
		}
	}()
	err = channel.Validate(c, d)
	r.watch(err, d)
	return err
}

// send makes one call of Send, and watches the rules for all calls. It ends the test if the call does not return.
func (r *run) send(ctx context.Context, c channel.Channel, d channel.Delivery) (channel.Receipt, error) {
	r.Helper()
	type result struct {
		receipt channel.Receipt
		err     error
		panics  string
	}
	done := make(chan result, 1)
	go func() {
		var res result
		defer func() {
			if v := recover(); v != nil {
				res.panics = fmt.Sprintf("%v\n%s", v, debug.Stack())
			}
			done <- res
		}()
		res.receipt, res.err = c.Send(ctx, d)
	}()
	var res result
	select {
	case res = <-done:
	case <-time.After(patience):
		r.report(returns, "Send has not returned after %v", patience)
		r.FailNow()
	case <-ctx.Done():
		select {
		case res = <-done:
		case <-time.After(soon):
			r.report(returns, "Send has not returned %v after its context ended", soon)
			r.FailNow()
		}
	}
	if res.panics != "" {
		r.report(noPanic, "Send panics: %s", res.panics)
		r.FailNow()
	}
	r.watch(res.err, d)
	return res.receipt, res.err
}

// watch looks at an error with the rules that hold for all.
func (r *run) watch(err error, d channel.Delivery) {
	r.Helper()
	if err == nil {
		return
	}
	if channel.KindOf(err) == channel.Unknown {
		r.report(classified, "error without a Kind: %T", err)
	}
	all := strings.Join(texts(err), "\n")
	for _, secret := range append(private(d), r.Secrets...) {
		if secret != "" && strings.Contains(all, secret) {
			r.report(keepsSecrets, "the error holds %.60q: %.300q", secret, all)
			return
		}
	}
}

// texts returns the text of err and of all that it wraps.
func texts(err error) []string {
	if err == nil {
		return nil
	}
	all := []string{err.Error()}
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		all = append(all, texts(w.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, e := range w.Unwrap() {
			all = append(all, texts(e)...)
		}
	}
	return all
}

// received returns what the peer has, and whether the suite can know.
func (r *run) received() ([]string, bool) {
	if r.Received == nil {
		return nil, false
	}
	return r.Received(), true
}

// once checks that the peer got no more than one attempt.
func (r *run) once() {
	r.Helper()
	if got, _ := r.received(); len(got) > 1 {
		r.report(oneAttempt, "the peer received %d attempts", len(got))
	}
}

// kind checks what the failure of a peer was classified as.
func (r *run) kind(err error, want ...channel.Kind) {
	r.Helper()
	if err == nil {
		r.broken("Send returned no error, want one that is %v", want)
		return
	}
	if got := channel.KindOf(err); !slices.Contains(want, got) {
		r.broken("the error is %v, want %v: %v", got, want, err)
	}
}

// field checks that a refusal by Validate has its kind and names the field at path, or one above or below it.
func (r *run) field(err error, path string, want ...channel.Kind) {
	r.Helper()
	r.kind(err, want...)
	var e *channel.Error
	if errors.As(err, &e) && !within(e.Field, path) && !within(path, e.Field) {
		r.broken("the error names Field %q, want %q", e.Field, path)
	}
}

// within reports whether the path inner is outer or a part of it.
func within(inner, outer string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && outer != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// eventually waits until cond holds, for as long as within.
func eventually(within time.Duration, cond func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(within)
	for !cond() {
		select {
		case <-tick.C:
		case <-end:
			return cond()
		}
	}
	return true
}
