package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

func (m *model) tryReceipts() {
	var rs, unmatched []store.Receipt
	for range 1 + m.rand.IntN(4) {
		r := store.Receipt{Status: pick(m, store.Sent, store.Delivered, store.Read, store.Failed), Reason: pick(m, "", store.ReasonBounced),
			At: pick(m, time.Time{}, instant(2026, 1+m.rand.IntN(12)))}
		if all := m.all(); m.chance(2) && len(all) > 0 {
			r.DeliveryRef = pick(m, all...).DeliveryRef
		} else {
			r.Provider, r.ProviderID = "postman", fmt.Sprintf("id-%d", m.rand.IntN(m.providerIDs+2))
		}
		if m.chance(3) {
			r.Failure = fault()
		}
		rs = append(rs, r)
	}
	for _, r := range rs {
		if !m.applyReceipt(r) {
			unmatched = append(unmatched, r)
		}
	}
	m.agree("unmatched receipts", m.receive(slices.Clone(rs)...), unmatched)
}

func (m *model) tryChange() {
	m.changeBoth(store.Change{Action: pick(m, store.Cancel, store.Release, store.Replay), Filter: m.filter()})
}

func (m *model) changeBoth(c store.Change) {
	m.Helper()
	want, got := m.applyChange(c), m.change(c)
	m.agree("changed deliveries", set(got.Deliveries), set(want.Deliveries))
	m.agree("Leased", got.Leased, want.Leased)
}

func (m *model) filter() store.Filter {
	f := store.Filter{Tenant: pick(m, "shop", "other", ""), AnyTenant: m.chance(2)}
	if m.chance(3) && len(m.messages) > 0 {
		f.MessageID = pick(m, m.messages...).ID
	}
	if m.chance(3) {
		f.Channel = pick(m, lanes...).Channel()
	}
	if m.chance(4) {
		f.Key = fmt.Sprintf("key-%d", m.rand.IntN(6))
	}
	if m.chance(4) {
		f.User = fmt.Sprintf("user-%d", m.rand.IntN(2))
	}
	if m.chance(3) {
		f.Statuses = []store.Status{pick(m, store.Accepted, store.Sent, store.Failed), pick(m, store.Held, store.Canceled)}
	}
	if m.chance(5) {
		f.Reasons = []store.Reason{pick[store.Reason](m, "retry", "", "invalid")}
	}
	return f
}

func (m *model) tryList() {
	q := store.MessageQuery{Filter: m.filter(), Limit: 1 + m.rand.IntN(5)}
	var got, want []string
	for {
		page := m.list(q)
		for _, x := range page.Messages {
			got = append(got, x.Message.ID)
		}
		if q.Cursor = page.Cursor; q.Cursor == "" || len(got) > len(m.messages) {
			break
		}
	}
	for _, f := range m.selected(q.Filter) {
		want = append(want, f.MessageID)
	}
	want = slices.Compact(want)
	slices.Reverse(want)
	m.agree("list", got, want)
}

func (m *model) tryCount() {
	counts := map[store.Lane]*store.LaneCount{}
	now := m.clock
	for _, f := range m.all() {
		if f.Due.IsZero() {
			continue
		}
		c := counts[f.Lane]
		if c == nil {
			c = &store.LaneCount{Lane: f.Lane}
			counts[f.Lane] = c
		}
		if f.Due.After(now) {
			c.Later++
			continue
		}
		c.Due++
		if c.Oldest.IsZero() || f.Due.Before(c.Oldest) {
			c.Oldest = f.Due
		}
	}
	var want []store.LaneCount
	for _, c := range counts {
		want = append(want, *c)
	}
	slices.SortFunc(want, func(a, b store.LaneCount) int { return cmp.Compare(a.Lane, b.Lane) })
	m.agree("counts", m.count(0), want)
}

func (m *model) tryPrune() {
	before := m.clock.Add(time.Hour)
	if len(m.messages) > 0 && m.chance(2) {
		before = pick(m, m.messages...).AcceptedAt
	}
	m.pruneBoth(before, 1+m.rand.IntN(len(m.messages)/4+5))
}

func (m *model) pruneBoth(before time.Time, limit int) {
	m.Helper()
	m.agree("number of deleted messages", m.prune(before, limit), m.applyPrune(before, limit))
}
