package store

import "context"

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
