package store

import "context"

// Suppressions keeps addresses that are dead, without the addresses themselves. What it keeps is told with each lease, as
// [Leased.Suppressed].
type Suppressions interface {
	// SaveSuppressions stores ss, all or none. One that is there already stays as it is; one without an Address is refused.
	SaveSuppressions(ctx context.Context, ss []Suppression) error
	// DeleteSuppression reports whether there was one.
	DeleteSuppression(ctx context.Context, key SuppressionKey) (bool, error)
}

// A SuppressionKey names an address.
type SuppressionKey struct {
	Tenant  string
	Kind    string // of address, or the name of the channel that alone it belongs to
	Address string // as it is compared; a store keeps a hash of it
}

// A Suppression says why nothing goes to an address.
type Suppression struct {
	SuppressionKey
	Reason Reason // not empty
}
