package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// SavePause implements [store.Pauses].
func (s *Store) SavePause(ctx context.Context, p store.Pause, length time.Duration) error {
	now, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	p.Until = instant(now.Add(length))
	if p.Until.After(s.pauses[p.Channel].Until) {
		s.pauses[p.Channel] = p
	}
	return nil
}

// ListPauses implements [store.Pauses].
func (s *Store) ListPauses(ctx context.Context) (ps []store.Pause, now time.Time, err error) {
	now, err = s.lock(ctx)
	if err != nil {
		return nil, now, err
	}
	defer s.mu.Unlock()
	for channel, p := range s.pauses {
		if p.Until.After(now) {
			ps = append(ps, p)
		} else {
			delete(s.pauses, channel)
		}
	}
	slices.SortFunc(ps, func(a, b store.Pause) int { return cmp.Compare(a.Channel, b.Channel) })
	return ps, now, nil
}

// DeletePause implements [store.Pauses].
func (s *Store) DeletePause(ctx context.Context, channel string) (bool, error) {
	now, err := s.lock(ctx)
	if err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	held := s.pauses[channel].Until.After(now)
	delete(s.pauses, channel)
	return held, nil
}
