package sms

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	return func(ctx context.Context) (k Credentials, err error) {
		k = fixed
		if given != nil {
			k, err = given(ctx)
		}
		if err == nil && !k.whole() {
			err = &channel.Error{Kind: channel.Misconfigured, Err: errors.New("the key is not whole, or holds white space")}
		}
		return k, err
	}
}

// whole reports whether k can sign. White space is mostly the end of a file's line; in a header it would be the message's fault.
func (k Credentials) whole() bool {
	return k.ID != "" && k.Secret != "" && !strings.ContainsFunc(k.ID+k.Secret+k.Token, func(r rune) bool { return r <= ' ' || r == 0x7f })
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
