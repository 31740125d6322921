package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"sync"

	"github.com/e7ddda3c/notify/store"
)

// headsSize bounds the bytes of the messages that are kept, in each half.
const headsSize = 8 << 20

// heads keeps what deliveries share, because it never changes: the messages of the last leases, by id. When young is full it becomes
// old, and what was old and not asked for since is dropped.
type heads struct {
	mu         sync.Mutex
	young, old map[string]*store.Message
	size       int // of young
}

// find returns those of ids that are kept, and the others.
func (h *heads) find(ids map[string]*store.Message) (missing []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range ids {
		m := h.young[id]
		if m == nil {
			if m = h.old[id]; m == nil {
				missing = append(missing, id)
				continue
			}
			h.keep(m)
		}
		ids[id] = m
	}
	return missing
}

func (h *heads) add(m *store.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keep(m)
}

// headOf returns n's message, as it was stored at a time.
func headOf(n *store.NewMessage, at int64) *store.Message {
	m := n.Message
	m.ExpireAt, m.AcceptedAt, m.Body = instant(micros(m.ExpireAt)), instant(at), bytes.Clone(m.Body)
	return &m
}

func (h *heads) keep(m *store.Message) {
	size := 500 + len(m.Body)
	if h.young == nil || h.size+size > headsSize {
		h.young, h.old, h.size = map[string]*store.Message{}, h.young, 0
	}
	h.young[m.ID] = m
	h.size += size
}

// attach gives each delivery its message. One whose message is gone is left out.
func (x *session) attach(ctx context.Context, rows []*row) ([]*row, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make(map[string]*store.Message, len(rows))
	for _, r := range rows {
		ids[r.MessageID] = nil
	}
	err := x.messages(ctx, x.heads.find(ids), "", func(m *store.Message) {
		x.heads.add(m)
		ids[m.ID] = m
	})
	if err != nil {
		return nil, err
	}
	kept := make([]*row, 0, len(rows))
	for _, r := range rows {
		if r.Message = ids[r.MessageID]; r.Message != nil {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// messages reads the messages with these ids. What ends the query may lock.
func (x *session) messages(ctx context.Context, ids []string, end string, each func(*store.Message)) error {
	return x.byIDs(ids, func(in string, args []any) error {
		return x.query(ctx, func(rows *sql.Rows) error {
			m, err := scanMessage(rows)
			if err == nil {
				each(m)
			}
			return err
		}, "select "+messageColumns+" from {messages} where id in ("+in+")"+end, args...)
	})
}

// byIDs calls do with lists of the ids.
func (x *session) byIDs(ids []string, do func(in string, args []any) error) error {
	for part := range slices.Chunk(ids, 500) {
		if err := do(x.dialect.ids(part)); err != nil {
			return err
		}
	}
	return nil
}
