package notify

import (
	"context"

	"github.com/e7ddda3c/notify/store"
)

// Unsuppress lets messages go to an address again that was found dead: one that bounced, or that a provider refused for good. kind is
// the kind of address, such as [channel.Email], or the name of a channel that takes it. It reports whether the address was suppressed.
//
// An address is dead on all channels of its kind. A user id, or what a channel without a kind takes, is dead on its own channel only.
// Addresses are kept for each tenant as a hash of what is the same for all spellings: a mailbox with its domain in small letters, a
// number without white space and punctuation, anything else without white space around it.
func (n *Notifier) Unsuppress(ctx context.Context, tenant, kind, address string) (found bool, err error) {
	if n.store == nil || !n.store.HasSuppressions() {
		return false, fault("store", ErrNeedsStore)
	}
	if err := checkFields(word{"tenant", tenant}, word{"kind", kind}); err != nil {
		return false, err
	}
	found, err = n.store.DeleteSuppression(ctx, store.NewSuppressionKey(tenant, n.suppressionKind(kind), address))
	return found, storeError(err)
}

// suppress stores that no delivery is to go to an address. The zero key is none.
func (n *Notifier) suppress(ctx context.Context, key store.SuppressionKey, why Reason) error {
	if !n.store.HasSuppressions() || key.Address == "" {
		return nil
	}
	return storeError(n.store.SaveSuppressions(ctx, []store.Suppression{{SuppressionKey: key, Reason: why}}))
}

// suppressionKind is what addresses of a kind are told apart by, or those of the channel that has this name.
func (n *Notifier) suppressionKind(kind string) string {
	for _, m := range n.media {
		if m.kind == kind {
			return kind
		}
	}
	if m := n.media[kind]; m != nil {
		return m.suppressionKind()
	}
	return kind
}
