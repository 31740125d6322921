package notify

import (
	"fmt"
	"runtime/debug"

	"github.com/e7ddda3c/notify/channel"
)

// A panicError tells of a panic by its type alone: its value may hold anything. errors.Is reaches a value that is an error.
type panicError struct{ value any }

func (p *panicError) Error() string { return fmt.Sprintf("panicked with a %T", p.value) }

func (p *panicError) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// crashed logs the stack of a panic, without its value, and returns it as an error.
func (n *Notifier) crashed(what string, v any) *channel.Error {
	n.log.Error("panic", "in", what, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	return &channel.Error{Kind: channel.Uncertain, Err: &panicError{v}}
}

// guard calls f, which is the host's or a driver's, and turns a panic into an error that says that nothing was sent.
func (n *Notifier) guard(what string, f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &channel.Error{Kind: channel.Rejected, Err: fmt.Errorf("%s %w", what, n.crashed(what, v).Err)}
		}
	}()
	f()
	return nil
}
