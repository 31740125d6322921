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
	Token      string // the security token of a temporary key (STS); empty for a permanent key
}

// Complete reports whether k has an ID and a secret, and no white space. White space is mostly the line break at the end of a file, and
// no header can carry that.
func (k Credentials) Complete() bool {
	return k.ID != "" && k.Secret != "" && !strings.ContainsFunc(k.ID+k.Secret+k.Token, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// Keys returns a function for a gateway to call before each request. It returns the key from get, or fixed if get is nil. Its error is
// a [*channel.Error] that starts with the vendor's name: [channel.Misconfigured] for a key that is not Complete; otherwise the kind of
// get's error, or [channel.Temporary] if that has none.
func Keys(vendor string, fixed Credentials, get func(context.Context) (Credentials, error)) func(context.Context) (Credentials, error) {
	prefix := vendor + ": credentials"
	return func(ctx context.Context) (Credentials, error) {
		k := fixed
		if get != nil {
			var err error
			if k, err = get(ctx); err != nil {
				return Credentials{}, unsent(prefix, channel.Temporary, err)
			}
		}
		if !k.Complete() {
			return Credentials{}, unsent(prefix, channel.Misconfigured, errors.New("must have an ID and a secret, without white space"))
		}
		return k, nil
	}
}

// unsent classifies an error of a function of the host's. Whatever the cause, a timeout included, nothing was sent, so an uncertain
// error becomes temporary. An error without a kind gets fallback.
func unsent(prefix string, fallback channel.Kind, err error) error {
	kind := channel.KindOf(err)
	switch kind {
	case channel.Unknown:
		kind = fallback
	case channel.Uncertain:
		kind = channel.Temporary
	}
	return &channel.Error{Kind: kind, Err: fmt.Errorf("%s: %w", prefix, err)}
}
