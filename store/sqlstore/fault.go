package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

const (
	minBackoff = 2 * time.Millisecond
	maxBackoff = 200 * time.Millisecond
)

// errConflict is of what has to be done again because others were faster.
var errConflict = errors.New("conflict with a concurrent change")

// retry calls do until it does not fail for a passing reason, or ctx ends.
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
			return fault(fmt.Errorf("%w; retried until: %w", err, ctx.Err()))
		}
	}
}

func fault(err error) error {
	if strings.HasPrefix(err.Error(), "sqlstore: ") {
		return err
	}
	return fmt.Errorf("sqlstore: %w", err)
}

// sqlState returns the SQLSTATE of an error of PostgreSQL, whatever its driver, or "".
func sqlState(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}

// resultCode returns the primary result code of an error of SQLite, or -1.
func resultCode(err error) int {
	var coded interface{ Code() int } // modernc.org/sqlite
	if errors.As(err, &coded) {
		return coded.Code() & 0xff
	}
	return -1
}

// startsAny reports whether the text of err, or of an error in it, begins with one of the prefixes: some drivers keep codes where
// nobody can get at them without importing the driver.
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
