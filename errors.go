package notify

import "errors"

// A FieldError is a fault in a [Message] or a [Config]. Nothing was sent.
type FieldError struct {
	Field string // the path in the JSON of the Message, such as "to[0].id", or in the Config, such as "policies.email"
	Err   error
}

// Error names the field.
func (e *FieldError) Error() string { return "notify: " + e.Field + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *FieldError) Unwrap() error { return e.Err }

// Failures of [Send] that are no fault of the message. All else is a [*FieldError], a [channel.Kind] or ctx's error.
var (
	ErrNoDefault  = errors.New("notify: no default notifier; call SetDefault first")
	ErrNeedsStore = errors.New("needs a store")
	ErrClosed     = errors.New("notify: closed")
	ErrKeyReused  = errors.New("is taken by a different message")
	ErrNotFound   = errors.New("notify: not found")
)

func fault(field string, err error) error { return &FieldError{Field: field, Err: err} }
