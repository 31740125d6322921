package storetest

import (
	"slices"
	"strconv"

	"github.com/e7ddda3c/notify/store"
)

var listRules = []rule{
	{"filter", "a message is listed if one of its deliveries matches every field that the filter sets; each field can be set alone", listFilter},
	{"one delivery", "a single delivery must match every field of a filter", listOneDelivery},
	{"tenant", "without AnyTenant, a list holds exactly the messages of the tenant; an empty Tenant selects the messages without one", listTenant},
	{"whole", "a listed message has all of its deliveries, sorted by recipient, then by place, with their Message", listWhole},
	{"accepted between", "From and To select messages accepted at or after From, and before To", listBetween},
	{"newest first", "messages are sorted by id, the newest first, regardless of the order of acceptance", listNewestFirst},
	{"pages", "pages have no gaps or repetitions while new messages arrive; the last page has no Cursor, even if it is full", listPages},
	{"limit", "a page holds 50 messages without a Limit, and at most 500", listLimit},
}

// listed returns the ids of the messages that a filter selects.
func (r *run) listed(f store.Filter) []string {
	r.Helper()
	var ids []string
	for _, m := range r.list(store.MessageQuery{Filter: f}).Messages {
		ids = append(ids, m.Message.ID)
	}
	return ids
}

func listFilter(r *run) {
	m, other := letter(), letter()
	m.Key, m.Category, m.Class, m.Template, m.Dispatcher = "k-1", "c-1", "alert", "t-1", "first"
	d := &m.Deliveries[0]
	d.Lane, d.User, d.Status, d.Reason = "push/alert", "u-1", store.Held, "waiting"
	other.Key = "k-2"
	third := letter()
	third.Deliveries[0].Status, third.Deliveries[0].Reason = store.Failed, "rejected"
	r.accept(m, other, third)
	for name, f := range map[string]store.Filter{
		"MessageID": {MessageID: m.ID}, "Key": {Key: "k-1"}, "User": {User: "u-1"}, "Channel": {Channel: "push"}, "Class": {Class: "alert"},
		"Category": {Category: "c-1"}, "Template": {Template: "t-1"}, "Statuses": {Statuses: []store.Status{store.Held}},
		"Reasons": {Reasons: []store.Reason{"waiting"}},
		"many":    {Statuses: []store.Status{store.Read, store.Held}, Reasons: []store.Reason{"x", "waiting"}, User: "u-1"},
	} {
		f.Tenant = "shop"
		r.same("the messages selected by "+name, r.listed(f), []string{m.ID})
		f.Tenant = "another"
		r.same("the number of messages selected by "+name+" in another tenant", len(r.listed(f)), 0)
		f.Tenant, f.AnyTenant = "another", true
		r.same("the messages selected by "+name+" in any tenant", r.listed(f), []string{m.ID})
	}
	two := store.Filter{Tenant: "shop", Statuses: []store.Status{store.Held, store.Failed}}
	r.same("the messages in two statuses", r.listed(two), []string{third.ID, m.ID})
	for name, f := range map[string]store.Filter{"Key": {Key: "K-1"}, "User": {User: "u-"}, "Channel": {Channel: "pus"}, "Class": {Class: "ALERT"},
		"Template": {Template: "t%"}, "Category": {Category: "c_1"}} {
		f.Tenant = "shop"
		r.same("the number of messages selected by a different "+name, len(r.listed(f)), 0)
	}
}

func listOneDelivery(r *run) {
	m := message(to(0, 0, mail), to(1, 0, text))
	m.Deliveries[1].Status, m.Deliveries[1].Reason = store.Failed, "rejected"
	r.accept(m)
	r.same("the number of messages with a failed email, after only an SMS failed",
		len(r.listed(store.Filter{Tenant: "shop", Channel: "email", Statuses: []store.Status{store.Failed}})), 0)
	r.same("the number of messages rejected for a user, after only another user's was rejected",
		len(r.listed(store.Filter{Tenant: "shop", User: "user-0", Reasons: []store.Reason{"rejected"}})), 0)
	r.same("the number of messages with a failed SMS",
		len(r.listed(store.Filter{Tenant: "shop", Channel: "sms", User: "user-1", Statuses: []store.Status{store.Failed}})), 1)
}

func listTenant(r *run) {
	shop, none, other := letter(), letter(), letter()
	none.Tenant, other.Tenant = "", "Shop"
	r.accept(shop, none, other)
	r.same("the messages of a tenant", r.listed(store.Filter{Tenant: "shop"}), []string{shop.ID})
	r.same("the messages without a tenant", r.listed(store.Filter{}), []string{none.ID})
	r.same("the messages of any tenant", r.listed(store.Filter{AnyTenant: true}), []string{other.ID, none.ID, shop.ID})
}

func listWhole(r *run) {
	m := message(to(2, 0, mail), to(0, 1, text), to(10, 0, mail), to(0, 0, chat), to(1, 0, mail))
	m.Deliveries[2].Status = store.Sent
	r.accept(m)
	page := r.list(store.MessageQuery{Filter: store.Filter{Tenant: "shop", Statuses: []store.Status{store.Sent}}})
	if len(page.Messages) != 1 {
		r.stop("%d messages are listed, want 1", len(page.Messages))
	}
	var got []store.DeliveryRef
	for _, d := range page.Messages[0].Deliveries {
		got = append(got, d.DeliveryRef)
		if d.Message == nil {
			r.stop("a listed delivery has no Message")
		}
		r.same("the Message of a delivery", *d.Message, page.Messages[0].Message)
	}
	r.same("the deliveries", got, []store.DeliveryRef{ref(m, 0, 0), ref(m, 0, 1), ref(m, 1, 0), ref(m, 2, 0), ref(m, 10, 0)})
}

func listBetween(r *run) {
	var ids []string
	var accepted []store.Message
	for range 3 {
		m := letter()
		r.accept(m)
		rec := r.record(m.ID)
		ids, accepted = append(ids, m.ID), append(accepted, rec.Message)
		r.until("tick of the store's clock", func() bool { return r.now().After(rec.Message.AcceptedAt) })
	}
	from, to := accepted[1].AcceptedAt, accepted[2].AcceptedAt
	r.same("the messages from the second on", r.listed(store.Filter{Tenant: "shop", From: from}), []string{ids[2], ids[1]})
	r.same("the messages before the third", r.listed(store.Filter{Tenant: "shop", To: to}), []string{ids[1], ids[0]})
	r.same("the messages from the second on and before the third", r.listed(store.Filter{Tenant: "shop", From: from, To: to}), []string{ids[1]})
	r.same("the number of messages in an empty interval", len(r.listed(store.Filter{Tenant: "shop", From: from, To: from})), 0)
}

func listNewestFirst(r *run) {
	a, b, c, d := letter(), letter(), letter(), letter()
	r.accept(c, a)
	r.accept(d)
	r.accept(b)
	r.same("the messages", r.listed(store.Filter{Tenant: "shop"}), []string{d.ID, c.ID, b.ID, a.ID})
}

func listPages(r *run) {
	var want []string
	for i := range 25 {
		m, other := letter(), letter()
		m.Deliveries[0].User = "user-" + strconv.Itoa(i%2)
		other.Tenant = "other"
		r.accept(m, other)
		if i%2 == 0 {
			want = append(want, m.ID)
		}
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 13, 20} {
		var got []string
		q := store.MessageQuery{Filter: store.Filter{Tenant: "shop", User: "user-0"}, Limit: limit}
		for {
			page := r.list(q)
			if len(page.Messages) > limit || len(page.Messages) == 0 {
				r.stop("a page with Limit %d holds %d messages", limit, len(page.Messages))
			}
			for _, m := range page.Messages {
				got = append(got, m.Message.ID)
			}
			if q.Cursor = page.Cursor; q.Cursor == "" || len(got) > len(want) {
				break
			}
			newer := letter()
			newer.Deliveries[0].User = "user-0"
			r.accept(newer)
		}
		r.same("the messages of all pages with Limit "+strconv.Itoa(limit), got, want)
		want = r.all("user-0")
	}
}

// all returns the ids of all messages to a user of the tenant shop.
func (r *run) all(user string) []string {
	r.Helper()
	var ids []string
	for _, m := range r.list(store.MessageQuery{Filter: store.Filter{Tenant: "shop", User: user}, Limit: 500}).Messages {
		ids = append(ids, m.Message.ID)
	}
	return ids
}

func listLimit(r *run) {
	var ms []store.NewMessage
	for range 520 {
		ms = append(ms, letter())
	}
	r.accept(ms...)
	for limit, want := range map[int]int{0: 50, 7: 7, 500: 500, 1000: 500} {
		page := r.list(store.MessageQuery{Filter: store.Filter{Tenant: "shop"}, Limit: limit})
		if len(page.Messages) != want || page.Cursor == "" {
			r.broken("a query with Limit %d returns %d messages and the Cursor %q, want %d messages and the Cursor of the next page", limit, len(page.Messages), page.Cursor, want)
		}
	}
}
