package engine

import (
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/e7ddda3c/notify/channel"
)

// A panicError names the type of a panic's value, not the value, which may hold anything. errors.Is reaches a value that is an error.
type panicError struct{ value any }

func (p *panicError) Error() string { return fmt.Sprintf("panicked with a %T", p.value) }

func (p *panicError) Unwrap() error {
	err, _ := p.value.(error)
	return err
}

// A Guard turns panics into errors, and logs their stacks without their values.
type Guard struct{ Log *slog.Logger }

// crashed logs the stack of a panic and returns the panic as an error.
func (g Guard) crashed(where string, v any) *channel.Error {
	g.Log.Error("panic", "in", where, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	return &channel.Error{Kind: channel.Uncertain, Err: &panicError{v}}
}

// Do calls f, which belongs to the host or a driver. A panic is an error of kind [channel.Rejected]: f sends nothing.
func (g Guard) Do(where string, f func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &channel.Error{Kind: channel.Rejected, Err: fmt.Errorf("%s %w", where, g.crashed(where, v).Err)}
		}
	}()
	f()
	return nil
}
