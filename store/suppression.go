package store

import (
	"context"
	"strings"

	"github.com/e7ddda3c/notify/channel"
)

// Suppressions stores the addresses to which nothing is sent, as hashes. Leases report a suppression as [Leased.Suppressed].
type Suppressions interface {
	// SaveSuppressions stores ss, all or none. A suppression that is already stored stays unchanged. One without an Address is an
	// error.
	SaveSuppressions(ctx context.Context, ss []Suppression) error
	// DeleteSuppression deletes a suppression, and reports whether there was one.
	DeleteSuppression(ctx context.Context, key SuppressionKey) (bool, error)
}

// A SuppressionKey identifies an address within a tenant.
type SuppressionKey struct {
	Tenant  string
	Kind    string // the kind of address; or the channel's name, if only that channel has such addresses
	Address string // in the form that is compared; a store keeps only a hash of it
}

// A Suppression is the reason why nothing is sent to an address.
type Suppression struct {
	SuppressionKey
	Reason Reason // not empty
}

// NewSuppressionKey returns the key of an address, which is the same for all spellings of the address.
func NewSuppressionKey(tenant, kind, address string) SuppressionKey {
	return SuppressionKey{Tenant: tenant, Kind: kind, Address: canonical(kind, address)}
}

// canonical returns the spelling of an address that stands for all others: of a mailbox with its domain in lower case, of a phone number
// without white space and punctuation, of anything else without white space around it.
func canonical(kind, address string) string {
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
