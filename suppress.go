package notify

import (
	"context"
	"errors"
	"strings"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
)

// Unsuppress lets messages go to an address again that was found dead: one that bounced, or that a provider refused for good. kind is
// the kind of address, such as [channel.Email], or the name of a channel that takes it. It reports whether the address was suppressed.
//
// An address is dead on all channels of its kind. A user id, or what a channel without a kind takes, is dead on its own channel only.
// Addresses are kept for each tenant as a hash of what is the same for all spellings: a mailbox with its domain in small letters, a
// number without white space and punctuation, anything else without white space around it.
func (n *Notifier) Unsuppress(ctx context.Context, tenant, kind, address string) (found bool, err error) {
	if n.suppressions == nil {
		return false, fault("store", ErrNeedsStore)
	}
	for _, w := range []struct{ field, word string }{{"tenant", tenant}, {"kind", kind}} {
		if err := checkWord(w.word); err != nil {
			return false, fault(w.field, err)
		}
	}
	err = n.useStore(func() error {
		found, err = n.suppressions.DeleteSuppression(ctx, suppressionKey(tenant, n.suppressionKind(kind), address))
		return err
	})
	return found, err
}

// errDead says why nothing goes to an address.
func errDead(why Reason) *channel.Error {
	err := errors.New("is suppressed: a provider has refused it for good")
	if why == ReasonBounced {
		err = errors.New("is suppressed: an earlier message came back")
	}
	return &channel.Error{Kind: channel.InvalidRecipient, Field: "to", Err: err}
}

// suppress marks an address as dead.
func (n *Notifier) suppress(ctx context.Context, tenant string, g *gate, address string, why Reason) error {
	key := g.suppression(tenant, address)
	if n.suppressions == nil || key.Address == "" {
		return nil
	}
	return n.useStore(func() error {
		return n.suppressions.SaveSuppressions(ctx, []store.Suppression{{SuppressionKey: key, Reason: why}})
	})
}

// markSuppressed is suppress for those who have nobody to tell that it failed: the next attempt finds out again.
func (n *Notifier) markSuppressed(ctx context.Context, tenant string, g *gate, address string, why Reason) {
	if err := n.suppress(ctx, tenant, g, address, why); err != nil {
		n.log.Error("cannot suppress an address", "channel", g.name, "error", err)
	}
}

// dead says why nothing more is to go to the address of a call, or "".
func (a answer) dead() Reason {
	switch {
	case a.failure == nil && a.receipt.Event == channel.Bounced && a.receipt.Kind == channel.InvalidRecipient:
		return ReasonBounced
	case a.failure != nil && a.failure.Kind == channel.InvalidRecipient:
		return ReasonInvalid
	}
	return ""
}

// suppression is what suppresses an address of g; the zero key if nothing does.
func (g *gate) suppression(tenant, address string) store.SuppressionKey {
	if g.kind == channel.None {
		return store.SuppressionKey{}
	}
	return suppressionKey(tenant, g.suppressionKind(), address)
}

// suppressionKind is what addresses of g are told apart by. The ids of the host's users mean something else on each channel.
func (g *gate) suppressionKind() string {
	if g.kind == "" || g.kind == channel.UserID {
		return g.name
	}
	return g.kind
}

// suppressionKind is what addresses of a kind are told apart by, or those of the channel that has this name.
func (n *Notifier) suppressionKind(kind string) string {
	for _, g := range n.gates {
		if g.kind == kind {
			return kind
		}
	}
	if g := n.gates[kind]; g != nil {
		return g.suppressionKind()
	}
	return kind
}

func suppressionKey(tenant, kind, address string) store.SuppressionKey {
	return store.SuppressionKey{Tenant: tenant, Kind: kind, Address: sameAddress(kind, address)}
}

// sameAddress returns what the spellings of an address have in common.
func sameAddress(kind, address string) string {
	address = strings.TrimSpace(address)
	switch kind {
	case channel.Email:
		if i := strings.LastIndexByte(address, '@'); i >= 0 {
			address = address[:i] + strings.ToLower(address[i:])
		}
	case channel.Phone:
		address = strings.Map(func(r rune) rune {
			if strings.ContainsRune(" -().", r) {
				return -1
			}
			return r
		}, address)
		if strings.HasPrefix(address, "00") {
			address = "+" + address[2:]
		}
	}
	return address
}
