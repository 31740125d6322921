package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"slices"
	"sync"

	"github.com/e7ddda3c/notify/store"
)

// messageCacheSize limits the bytes of the messages in each generation of a messageCache.
const messageCacheSize = 8 << 20

// A messageCache holds the messages of the most recent leases by id; a message never changes. There are two generations: when young is
// full, it becomes old, and the messages in old that were not used in the meantime are dropped.
type messageCache struct {
	mu         sync.Mutex
	young, old map[string]*store.Message
	size       int // of young, in bytes
}

// find sets the cached messages in ids, and returns the ids of the others.
func (c *messageCache) find(ids map[string]*store.Message) (missing []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range ids {
		m := c.young[id]
		if m == nil {
			if m = c.old[id]; m == nil {
				missing = append(missing, id)
				continue
			}
			c.keep(m)
		}
		ids[id] = m
	}
	return missing
}

func (c *messageCache) add(m *store.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(m)
}

// messageOf returns the message that is stored for n. The acceptance time at is in microseconds.
func messageOf(n *store.NewMessage, at int64) *store.Message {
	m := n.Message
	m.ExpireAt, m.AcceptedAt, m.Body = instant(micros(m.ExpireAt)), instant(at), bytes.Clone(m.Body)
	return &m
}

// keep adds m to young. The caller holds c.mu.
func (c *messageCache) keep(m *store.Message) {
	size := 500 + len(m.Body)
	if c.young == nil || c.size+size > messageCacheSize {
		c.young, c.old, c.size = map[string]*store.Message{}, c.young, 0
	}
	c.young[m.ID] = m
	c.size += size
}

// attach sets the message of each delivery, and leaves out deliveries whose message does not exist any more.
func (x *session) attach(ctx context.Context, rows []*row) ([]*row, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make(map[string]*store.Message, len(rows))
	for _, r := range rows {
		ids[r.MessageID] = nil
	}
	err := x.messages(ctx, x.cache.find(ids), "", func(m *store.Message) {
		x.cache.add(m)
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

// messages calls each for the messages with these ids. The query ends with end, such as a lock.
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

// byIDs calls do with the list and the parameters for up to 500 ids at a time.
func (x *session) byIDs(ids []string, do func(in string, args []any) error) error {
	for part := range slices.Chunk(ids, 500) {
		if err := do(x.dialect.ids(part)); err != nil {
			return err
		}
	}
	return nil
}
