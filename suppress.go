package notify

import (
	"context"

	"github.com/e7ddda3c/notify/store"
)

// Unsuppress allows messages to a suppressed address again, and reports whether the address was suppressed. An address is suppressed when
// a provider refuses it, or bounces a message, as invalid. kind is the kind of address, such as [channel.Email], or the name of a channel.
//
// An address is suppressed on all channels of its kind. A user id, or an address of a channel without a kind, is suppressed on its own channel
// only. Addresses are stored by tenant, as a hash that is the same for all spellings; see [store.NewSuppressionKey].
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

// suppress stores a suppression, unless the key is zero.
func (n *Notifier) suppress(ctx context.Context, key store.SuppressionKey, why Reason) error {
	if !n.store.HasSuppressions() || key.Address == "" {
		return nil
	}
	return storeError(n.store.SaveSuppressions(ctx, []store.Suppression{{SuppressionKey: key, Reason: why}}))
}

// suppressionKind returns the scope of an address of a kind, or of the channel with this name.
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
