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
	soon     = 2 * time.Second        // allowed for an immediate reaction, on a busy machine
	patience = 10 * time.Second       // allowed for a Send to a peer that answers
	short    = 300 * time.Millisecond // a deadline that is meant to pass
)

// A run is one rule under test.
type run struct {
	*testing.T
	Suite
	rule *rule
	told map[*rule]bool // the rules already explained in the output
}

// broken reports that r's rule does not hold.
func (r *run) broken(format string, args ...any) {
	r.Helper()
	r.report(r.rule, format, args...)
}

// report reports that rule does not hold. The first report of a rule adds its explanation.
func (r *run) report(rule *rule, format string, args ...any) {
	r.Helper()
	text := fmt.Sprintf("channeltest: rule %q is broken: ", rule.name) + fmt.Sprintf(format, args...)
	if !r.told[rule] {
		r.told[rule] = true
		text += "\n\trule: " + rule.says + "\n\tfix: " + rule.fix
	}
	r.Error(text)
}

// open opens the driver with a peer. The end of the test closes the driver.
func (r *run) open(p Peer) channel.Channel {
	r.Helper()
	c := r.Open(r.T, p)
	if c == nil {
		r.Fatalf("channeltest: Suite.Open must not return nil for the peer %q: list peers that do not exist for the medium in Suite.Cannot", p)
	}
	r.Cleanup(func() { r.close(c) })
	return c
}

// close closes c with [soon] as the deadline. It returns a description of the fault, or "".
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

// validate calls Validate, and checks the rules that hold for every call.
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

// send calls Send once, and checks the rules that hold for every call. It ends the test if Send does not return, or panics.
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
			r.report(returns, "Send has not returned %v after the end of its context", soon)
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

// watch checks the rules that hold for every error.
func (r *run) watch(err error, d channel.Delivery) {
	r.Helper()
	if err == nil {
		return
	}
	if channel.KindOf(err) == channel.Unknown {
		r.report(classified, "the error has no Kind: %T", err)
	}
	all := strings.Join(texts(err), "\n")
	for _, secret := range append(private(d), r.Secrets...) {
		if secret != "" && strings.Contains(all, secret) {
			r.report(keepsSecrets, "the error contains %.60q: %.300q", secret, all)
			return
		}
	}
}

// texts returns the texts of all errors in err's tree.
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

// received returns the attempts that the peer has received. ok is false if the suite cannot see them.
func (r *run) received() (attempts []string, ok bool) {
	if r.Received == nil {
		return nil, false
	}
	return r.Received(), true
}

// once checks that the peer received no more than one attempt.
func (r *run) once() {
	r.Helper()
	if got, _ := r.received(); len(got) > 1 {
		r.report(oneAttempt, "the peer received %d attempts", len(got))
	}
}

// kind checks that err has one of the wanted kinds.
func (r *run) kind(err error, want ...channel.Kind) {
	r.Helper()
	if err == nil {
		r.broken("Send returned no error, want one of the kinds %v", want)
		return
	}
	if got := channel.KindOf(err); !slices.Contains(want, got) {
		r.broken("the error has the kind %v, want one of %v: %v", got, want, err)
	}
}

// field checks that a refusal by Validate has one of the wanted kinds, and that its Field is path, a part of it or a field around it.
func (r *run) field(err error, path string, want ...channel.Kind) {
	r.Helper()
	r.kind(err, want...)
	var e *channel.Error
	if errors.As(err, &e) && !within(e.Field, path) && !within(path, e.Field) {
		r.broken("the error names Field %q, want %q", e.Field, path)
	}
}

// within reports whether the path inner equals outer or leads to a part of it.
func within(inner, outer string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && outer != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// eventually waits until cond holds, for no longer than within. It reports whether cond holds.
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
