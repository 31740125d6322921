package notify

import (
	"errors"
	"fmt"

	"github.com/e7ddda3c/notify/internal/engine"
)

// A FieldError reports an invalid field of an argument: a [Message], [Config], [Schedule], [Query] or [channel.Receipt]. The call had no effect.
type FieldError struct {
	Field string // the path in the JSON of the argument, such as "to[0].id", or in the Config, such as "policies.email"
	Err   error
}

// Error returns the field and the cause.
func (e *FieldError) Error() string { return "notify: " + e.Field + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// Errors for errors.Is. Any other error is a [*FieldError], a [channel.Kind], ctx's error or an error of the store.
var (
	ErrNoDefault  = errors.New("notify: no default notifier; call SetDefault first")
	ErrNeedsStore = errors.New("requires a store")                // within a FieldError: no store, or a store without the optional port
	ErrClosed     = engine.ErrClosed                              // "notify: closed": Close was called
	ErrKeyReused  = errors.New("is taken by a different message") // within a FieldError; see [Message.Key]
	ErrNotFound   = errors.New("notify: not found")               // the store has no such message or delivery
)

func fault(field string, err error) error { return &FieldError{Field: field, Err: err} }

var errRequired = errors.New("is required")

func unknown(what, name string) error { return fmt.Errorf("unknown %s %q", what, name) }
