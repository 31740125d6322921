package notify

import (
	"slices"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/internal/engine"
	"github.com/e7ddda3c/notify/store"
)

// A medium is the planner's view of a channel: the addresses that it takes, and the deliveries that the driver refuses.
type medium struct {
	*engine.Channel
	kind      string            // the kind of address; see channel.AddressKind
	validator channel.Validator // nil: the driver validates nothing
}

// takes reports whether m takes an address under key, which is a kind of address or the name of a channel.
func (m *medium) takes(key string) bool {
	return m.kind != channel.None && (key == m.Name || key != "" && key == m.kind)
}

// addresses returns r's addresses on m, without repetitions: those under the channel's name, or else those under its kind of address. If there
// are none, or if m is a group channel, it returns one empty address.
func (m *medium) addresses(r Recipient) []string {
	found := r.Addresses[m.Name]
	if len(found) == 0 && m.kind != "" {
		found = r.Addresses[m.kind]
	}
	switch {
	case m.kind == channel.None:
		return []string{""}
	case len(found) == 0 && m.kind == channel.UserID:
		return []string{r.ID}
	case len(found) == 0:
		return []string{""}
	case len(found) == 1:
		return found
	}
	var once []string
	for _, a := range found {
		if !slices.Contains(once, a) {
			once = append(once, a)
		}
	}
	return once
}

// suppression returns the key under which an address of m is suppressed; the zero key for a group channel.
func (m *medium) suppression(tenant, address string) store.SuppressionKey {
	if m.kind == channel.None {
		return store.SuppressionKey{}
	}
	return store.NewSuppressionKey(tenant, m.suppressionKind(), address)
}

// suppressionKind returns the scope of a suppressed address: all channels of its kind, or one channel for a user id, since the same id may
// stand for another address on each channel.
func (m *medium) suppressionKind() string {
	if m.kind == "" || m.kind == channel.UserID {
		return m.Name
	}
	return m.kind
}
