package storetest_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// brokenAccept holds stores with faults in AcceptMessages.
var brokenAccept = table{
	"loses the body of deliveries": {rule: "accept/as given", bend: func(b *bent) {
		b.plans(func(d *store.NewDelivery) { d.Body = nil })
	}},
	"returns local times": {rule: "accept/as given", want: "clock", bend: func(b *bent) {
		b.lists(func(_ store.MessageQuery, p *store.MessagePage) {
			for i := range p.Messages {
				p.Messages[i].Message.AcceptedAt = p.Messages[i].Message.AcceptedAt.In(time.FixedZone("CET", 3600))
			}
		})
	}},
	"trims texts": {rule: "accept/values", bend: func(b *bent) {
		b.plans(func(d *store.NewDelivery) { d.To = strings.TrimSpace(d.To) })
	}},
	"leases deliveries that were accepted as settled": {rule: "accept/settled when planned", bend: func(b *bent) {
		b.plans(func(d *store.NewDelivery) { d.Status = store.Accepted })
	}},
	"leases before NotBefore": {rule: "accept/not before", bend: func(b *bent) {
		b.plans(func(d *store.NewDelivery) { d.NotBefore = d.NotBefore.Add(-2 * time.Hour) })
	}},
	"accepts at most a thousand deliveries": {rule: "accept/many deliveries", bend: func(b *bent) {
		b.accepts(func(m *store.NewMessage) { m.Deliveries = m.Deliveries[:min(1000, len(m.Deliveries))] })
	}},
	"accepts at most a hundred messages": {rule: "accept/many messages", bend: func(b *bent) {
		b.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
			_, err := b.Store.AcceptMessages(ctx, ms[:min(100, len(ms))])
			return make([]store.Acceptance, len(ms)), err
		}
	}},
	"stores a repeated message again": {rule: "accept/repeated id", bend: func(b *bent) {
		seen := map[string]int{}
		b.accepts(func(m *store.NewMessage) {
			seen[m.ID]++
			m.ID += strings.Repeat("+", seen[m.ID]-1)
		})
	}},
	"stores messages one after another": {rule: "accept/all or none", bend: func(b *bent) {
		b.accept = func(ctx context.Context, ms []store.NewMessage) (all []store.Acceptance, _ error) {
			for _, m := range ms {
				as, err := b.Store.AcceptMessages(ctx, []store.NewMessage{m})
				if err != nil {
					return nil, err
				}
				all = append(all, as...)
				time.Sleep(100 * time.Microsecond)
			}
			return all, nil
		}
	}},
	"keeps the caller's slices": {rule: "accept/keeps nothing", bend: func(b *bent) {
		kept := map[string][]byte{}
		b.accepts(func(m *store.NewMessage) { kept[m.ID] = m.Body })
		b.lists(func(_ store.MessageQuery, p *store.MessagePage) {
			for i := range p.Messages {
				p.Messages[i].Message.Body = kept[p.Messages[i].Message.ID]
			}
		})
	}},
	"refuses an empty call": {rule: "accept/empty call", bend: func(b *bent) {
		b.accept = func(ctx context.Context, ms []store.NewMessage) ([]store.Acceptance, error) {
			if len(ms) == 0 {
				return nil, errors.New("no rows")
			}
			return b.Store.AcceptMessages(ctx, ms)
		}
	}},
	"ignores keys": {rule: "key/taken", bend: func(b *bent) {
		b.accepts(func(m *store.NewMessage) { m.Key = "" })
	}},
	"reverses the answers": {rule: "key/taken in a batch", bend: func(b *bent) {
		b.answers(func(as []store.Acceptance) {
			for i := range len(as) / 2 {
				as[i], as[len(as)-1-i] = as[len(as)-1-i], as[i]
			}
		})
	}},
	"never sets Differs": {rule: "key/differs", bend: func(b *bent) {
		b.answers(func(as []store.Acceptance) {
			for i := range as {
				as[i].Differs = false
			}
		})
	}},
	"ignores tenants": {rule: "key/tenants", bend: func(b *bent) {
		b.accepts(func(m *store.NewMessage) { m.Tenant = "" })
	}},
	"folds the case of keys": {rule: "key/exact", bend: func(b *bent) {
		b.accepts(func(m *store.NewMessage) { m.Key = strings.ToLower(m.Key) })
	}},
	"checks the key in another transaction": {rule: "key/concurrent", bend: func(b *bent) {
		b.accept = func(ctx context.Context, ms []store.NewMessage) (all []store.Acceptance, _ error) {
			for _, m := range ms {
				page, err := b.Store.ListMessages(ctx, store.MessageQuery{Filter: store.Filter{Tenant: m.Tenant, User: m.Key}})
				if err != nil {
					return nil, err
				}
				if m.Key != "" && len(page.Messages) > 0 {
					all = append(all, store.Acceptance{First: &page.Messages[0]})
					continue
				}
				time.Sleep(time.Millisecond)
				m.Deliveries[0].User, m.Key = m.Key, ""
				as, err := b.Store.AcceptMessages(ctx, []store.NewMessage{m})
				if err != nil {
					return nil, err
				}
				all = append(all, as...)
			}
			return all, nil
		}
	}},
}
