package memory

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// AcceptMessages implements [store.Accepter].
func (s *Store) AcceptMessages(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
	for i := range ms {
		if err := check(&ms[i]); err != nil {
			return nil, err
		}
	}
	now, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	as := make([]store.Acceptance, len(ms))
	for i := range ms {
		as[i] = s.accept(&ms[i], now)
	}
	return as, nil
}

// check refuses a message that would violate a primary key in a database.
func check(m *store.NewMessage) error {
	if m.ID == "" {
		return errors.New("memory: a message's id is required")
	}
	type place struct{ recipient, place int }
	taken := make(map[place]bool, len(m.Deliveries))
	for _, d := range m.Deliveries {
		p := place{d.Recipient, d.Place}
		if taken[p] {
			return fmt.Errorf("memory: places of a recipient's deliveries must be distinct: message %s, recipient %d, place %d", m.ID, d.Recipient, d.Place)
		}
		taken[p] = true
	}
	return nil
}

func (s *Store) accept(m *store.NewMessage, now time.Time) store.Acceptance {
	if s.messages[m.ID] != nil {
		return store.Acceptance{}
	}
	k := key{m.Tenant, m.Key}
	if first := s.keys[k]; m.Key != "" && first != nil {
		record := first.record(false)
		return store.Acceptance{First: &record, Differs: first.hash != sha256.Sum256(m.Request)}
	}
	kept := s.keep(m, now)
	if m.Key != "" {
		s.keys[k] = kept
	}
	return store.Acceptance{}
}

// keep stores m.
func (s *Store) keep(m *store.NewMessage, now time.Time) *message {
	head := m.Message
	head.Body = bytes.Clone(m.Body)
	head.AcceptedAt, head.ExpireAt = now, instant(m.ExpireAt)
	kept := &message{head: &head, hash: sha256.Sum256(m.Request), deliveries: make([]*delivery, len(m.Deliveries))}
	for i := range m.Deliveries {
		kept.deliveries[i] = s.newDelivery(kept, &m.Deliveries[i], now)
	}
	slices.SortFunc(kept.deliveries, func(a, b *delivery) int {
		return cmp.Or(cmp.Compare(a.Recipient, b.Recipient), cmp.Compare(a.Place, b.Place))
	})
	s.messages[head.ID] = kept
	at, _ := s.position(head.ID)
	s.order = slices.Insert(s.order, at, kept)
	return kept
}

// position returns the index in s.order of the message with an id, or the index to insert it at, and whether the message exists.
func (s *Store) position(id string) (int, bool) {
	return slices.BinarySearchFunc(s.order, id, func(m *message, id string) int { return cmp.Compare(m.head.ID, id) })
}

func (s *Store) newDelivery(m *message, n *store.NewDelivery, now time.Time) *delivery {
	s.accepted++
	d := &delivery{parent: m, seq: s.accepted, index: -1, suppression: suppressionKeyOf(n.Suppression), Delivery: store.Delivery{
		DeliveryRef: store.DeliveryRef{MessageID: m.head.ID, Recipient: n.Recipient, Place: n.Place},
		Message:     m.head,
		Lane:        n.Lane,
		User:        n.User,
		To:          n.To,
		Locale:      n.Locale,
		Grouped:     n.Grouped,
		Body:        bytes.Clone(n.Body),
		Status:      n.Status,
		Reason:      n.Reason,
		At:          now,
		NotBefore:   instant(n.NotBefore),
		Failure:     copied(n.Failure),
	}}
	if !d.Status.Settled() {
		s.setDue(d, latest(now, d.NotBefore))
	}
	return d
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
