package memory

import (
	"context"
	"slices"

	"github.com/e7ddda3c/notify/store"
)

// ListMessages implements [store.Deliveries].
func (s *Store) ListMessages(ctx context.Context, q store.MessageQuery) (store.MessagePage, error) {
	now, err := s.lock(ctx)
	if err != nil {
		return store.MessagePage{}, err
	}
	defer s.mu.Unlock()
	page := store.MessagePage{Now: now}
	limit := pageSize(q.Limit)
	for _, m := range slices.Backward(s.candidates(q.Filter)) {
		if q.Cursor != "" && m.head.ID >= q.Cursor || !slices.ContainsFunc(m.deliveries, func(d *delivery) bool { return selects(&q.Filter, d) }) {
			continue
		}
		if len(page.Messages) == limit {
			page.Cursor = page.Messages[limit-1].Message.ID
			break
		}
		page.Messages = append(page.Messages, m.record(q.Attempts))
	}
	return page, nil
}

func pageSize(limit int) int {
	if limit <= 0 {
		return 50
	}
	return min(limit, 500)
}

// candidates returns the messages that may contain deliveries selected by f, the oldest first.
func (s *Store) candidates(f store.Filter) []*message {
	var m *message
	switch {
	case f.MessageID != "":
		m = s.messages[f.MessageID]
	case f.Key != "" && !f.AnyTenant:
		m = s.keys[key{f.Tenant, f.Key}]
	default:
		return s.order
	}
	if m == nil {
		return nil
	}
	return []*message{m}
}

// selects reports whether f selects d.
func selects(f *store.Filter, d *delivery) bool {
	m := d.Message
	switch {
	case !f.AnyTenant && f.Tenant != m.Tenant,
		!f.From.IsZero() && m.AcceptedAt.Before(f.From),
		!f.To.IsZero() && !m.AcceptedAt.Before(f.To):
		return false
	}
	return is(f.MessageID, m.ID) && is(f.Key, m.Key) && is(f.User, d.User) && is(f.Channel, d.Lane.Channel()) &&
		is(f.Class, m.Class) && is(f.Category, m.Category) && is(f.Template, m.Template) &&
		isOneOf(f.Statuses, d.Status) && isOneOf(f.Reasons, d.Reason)
}

// is reports whether got equals want, or want is "".
func is(want, got string) bool { return want == "" || want == got }

// isOneOf reports whether want contains got, or is empty.
func isOneOf[T comparable](want []T, got T) bool { return len(want) == 0 || slices.Contains(want, got) }
