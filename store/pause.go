package store

import (
	"context"
	"time"
)

// Pauses stores the pauses of channels, for all processes.
type Pauses interface {
	// SavePause pauses a channel for the given duration from now. If the channel is already paused for longer, nothing changes.
	SavePause(ctx context.Context, p Pause, length time.Duration) error
	// ListPauses returns the pauses that have not ended, sorted by channel, and the store's clock.
	ListPauses(ctx context.Context) (ps []Pause, now time.Time, err error)
	// DeletePause ends the pause of a channel, and reports whether the channel was paused.
	DeletePause(ctx context.Context, channel string) (bool, error)
}

// A Pause stops a channel for a while.
type Pause struct {
	Channel string
	Until   time.Time // set by the store
	Failure Failure   // the cause
}
