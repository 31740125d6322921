package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// EndOf returns the error of a context that has ended, with its cause.
func EndOf(ctx context.Context) error {
	if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

// Sleep waits for d or for news, which may be nil, and reports whether either came before ctx ended.
func Sleep(ctx context.Context, d time.Duration, news <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-news:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
