package store

import (
	"context"
	"time"
)

// Suppressions keeps addresses that are dead, without the addresses themselves.
type Suppressions interface {
	// SaveSuppressions stores ss. One that is there already stays as it is.
	SaveSuppressions(ctx context.Context, ss []Suppression) error
	// FindSuppressions returns those of keys that are stored, in any order.
	FindSuppressions(ctx context.Context, keys []SuppressionKey) ([]Suppression, error)
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
	Reason string
	At     time.Time // set by the store
}
