package sms

import (
	"context"
	"fmt"

	"github.com/e7ddda3c/notify/channel"
)

// Credentials are an access key of a vendor.
type Credentials struct {
	ID, Secret string
	Token      string // of a temporary key (STS); else empty
}

// A keyring says which key to sign with.
type keyring func(context.Context) (Credentials, error)

// keys asks given, or is always fixed if that is nil.
func keys(given func(context.Context) (Credentials, error), fixed Credentials) keyring {
	if given != nil {
		return given
	}
	return func(context.Context) (Credentials, error) { return fixed, nil }
}

// unsent is a failure of a function of the host's. Whatever its cause, a timeout of its own included, nothing was sent; so an
// uncertain one is temporary, and one without a kind is otherwise.
func unsent(provider, what string, otherwise channel.Kind, err error) error {
	kind := channel.KindOf(err)
	switch kind {
	case channel.Unknown:
		kind = otherwise
	case channel.Uncertain:
		kind = channel.Temporary
	}
	return &channel.Error{Kind: kind, Err: fmt.Errorf("%s: %s: %w", provider, what, err)}
}
