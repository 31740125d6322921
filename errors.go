package notify

import (
	"errors"
	"fmt"

	"github.com/e7ddda3c/notify/internal/engine"
)

// A FieldError is a fault in an argument: a [Message], a [Config], a [Schedule], a [Query] or a [channel.Receipt]. Nothing was done.
type FieldError struct {
	Field string // the path in its JSON, such as "to[0].id", or in the Config, such as "policies.email"
	Err   error
}

// Error names the field.
func (e *FieldError) Error() string { return "notify: " + e.Field + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// Errors for errors.Is. All others are a [*FieldError], a [channel.Kind], ctx's error or the store's.
var (
	ErrNoDefault  = errors.New("notify: no default notifier; call SetDefault first")
	ErrNeedsStore = errors.New("needs a store")                   // within a FieldError: no store, or one without this port
	ErrClosed     = engine.ErrClosed                              // "notify: closed", by Close
	ErrKeyReused  = errors.New("is taken by a different message") // within a FieldError: see [Message.Key]
	ErrNotFound   = errors.New("notify: not found")               // the store has no such message or delivery
)

func fault(field string, err error) error { return &FieldError{Field: field, Err: err} }

var errRequired = errors.New("is required")

func unknown(what, name string) error { return fmt.Errorf("unknown %s %q", what, name) }
