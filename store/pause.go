package store

import (
	"context"
	"time"
)

// Pauses keeps which channels are held, for every process.
type Pauses interface {
	// SavePause holds a channel for so long from now, unless it is held longer already.
	SavePause(ctx context.Context, p Pause, length time.Duration) error
	// ListPauses returns those that have not passed, by channel, and the store's clock.
	ListPauses(ctx context.Context) (ps []Pause, now time.Time, err error)
	// DeletePause lets a channel go on, and reports whether it was held.
	DeletePause(ctx context.Context, channel string) (bool, error)
}

// A Pause holds a channel.
type Pause struct {
	Channel string
	Until   time.Time // set by the store
	Failure Failure   // why
}
