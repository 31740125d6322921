package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The bounds of the retry delay.
const (
	minBackoff = 2 * time.Millisecond
	maxBackoff = 200 * time.Millisecond
)

// errConflict reports a concurrent change, after which the call is retried.
var errConflict = errors.New("conflict with a concurrent change")

// retry calls do until it succeeds or fails with a permanent error, or ctx ends.
func (s *Store) retry(ctx context.Context, do func() error) error {
	for wait := minBackoff; ; wait = min(2*wait, maxBackoff) {
		err := do()
		if err == nil {
			return nil
		}
		if !errors.Is(err, errConflict) && !s.dialect.transient(err) {
			return fault(err)
		}
		timer := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fault(fmt.Errorf("%w; retries ended: %w", err, ctx.Err()))
		}
	}
}

// fault prefixes an error with the name of the package, once.
func fault(err error) error {
	if strings.HasPrefix(err.Error(), "sqlstore: ") {
		return err
	}
	return fmt.Errorf("sqlstore: %w", err)
}

// sqlState returns the SQLSTATE of a PostgreSQL error of any driver, or "".
func sqlState(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}

// resultCode returns the primary result code of a SQLite error, or -1.
func resultCode(err error) int {
	var coded interface{ Code() int } // modernc.org/sqlite
	if errors.As(err, &coded) {
		return coded.Code() & 0xff
	}
	return -1
}

// startsAny reports whether the text of err, or of an error that it wraps, begins with one of the prefixes. Some drivers offer their codes
// only in types that this package would have to import.
func startsAny(err error, prefixes ...string) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		for _, p := range prefixes {
			if strings.HasPrefix(err.Error(), p) {
				return true
			}
		}
	}
	return false
}
