package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// A Query selects deliveries of the message log that match all non-zero fields.
type Query struct {
	Tenant    string    `json:"tenant,omitempty"`     // "" selects messages without a tenant
	AnyTenant bool      `json:"any_tenant,omitempty"` // all tenants; Tenant must then be empty
	ID        string    `json:"id,omitempty"`         // of a message
	Key       string    `json:"key,omitempty"`
	User      string    `json:"user,omitempty"` // a recipient's id
	Channel   string    `json:"channel,omitempty"`
	Class     Class     `json:"class,omitempty"`
	Category  string    `json:"category,omitempty"`
	Template  string    `json:"template,omitempty"`
	Statuses  []Status  `json:"statuses,omitempty"`
	Reasons   []Reason  `json:"reasons,omitempty"`
	From      time.Time `json:"from,omitzero"` // accepted at this time or later
	To        time.Time `json:"to,omitzero"`   // accepted before this time
	Cursor    string    `json:"cursor,omitempty"`
	Limit     int       `json:"limit,omitempty"`    // of a page: 50 by default, at most 500; of a change: none by default
	Attempts  bool      `json:"attempts,omitempty"` // whether pages include the attempts
}

// A Page is a part of the message log, newest messages first.
type Page struct {
	Messages []Entry `json:"messages"`
	Cursor   string  `json:"cursor,omitempty"` // of the next page; "" if this is the last
}

// An Entry is a message of the log with all its deliveries, without content.
type Entry struct {
	Report
	Tenant     string    `json:"tenant,omitempty"`
	Key        string    `json:"key,omitempty"`
	Dispatcher string    `json:"dispatcher"`
	Category   string    `json:"category,omitempty"`
	Class      Class     `json:"class"`
	Template   string    `json:"template,omitempty"`
	AtMostOnce bool      `json:"at_most_once,omitempty"`
	ExpireAt   time.Time `json:"expire_at,omitzero"`
	AcceptedAt time.Time `json:"accepted_at"`
	Attempts   []Attempt `json:"attempts,omitempty"` // if Query.Attempts is set; ordered by delivery, then by time
}

// An Attempt is one call of a driver.
type Attempt struct {
	Delivery   string         `json:"delivery"` // id
	At         time.Time      `json:"at"`       // when the call began
	Took       time.Duration  `json:"took_ns"`
	Status     Status         `json:"status"` // of the delivery after the attempt
	Reason     Reason         `json:"reason,omitempty"`
	Provider   string         `json:"provider,omitempty"`
	ProviderID string         `json:"provider_id,omitempty"` // the vendor's id of the message
	Code       string         `json:"code,omitempty"`        // the vendor's code of a success; the code of a failure is in Failure
	Duplicate  bool           `json:"duplicate,omitempty"`   // an earlier attempt may have been sent
	Failure    *store.Failure `json:"error,omitempty"`
}

// Report returns the current report of a message, or [ErrNotFound]. Report, Wait and Explain do not check the tenant. If an id comes from an
// untrusted source, look it up by Tenant and ID with [Notifier.Log] first.
func (n *Notifier) Report(ctx context.Context, id string) (Report, error) {
	_, rec, err := n.find(ctx, id, false)
	if err != nil {
		return Report{}, err
	}
	return n.reportOf(ctx, rec), nil
}

// Log returns the messages that have at least one delivery that q selects.
func (n *Notifier) Log(ctx context.Context, q Query) (Page, error) {
	filter, err := q.filter()
	if err != nil {
		return Page{}, err
	}
	switch {
	case q.Cursor != "" && !store.IsMessageID(q.Cursor):
		return Page{}, fault("cursor", errors.New("must be a cursor returned by Log"))
	case q.Limit < 0 || q.Limit > maxPage:
		return Page{}, fault("limit", fmt.Errorf("must be between 0 and %d", maxPage))
	}
	found, err := n.list(ctx, store.MessageQuery{Filter: filter, Cursor: q.Cursor, Limit: q.Limit, Attempts: q.Attempts})
	if err != nil {
		return Page{}, err
	}
	page := Page{Messages: make([]Entry, len(found.Messages)), Cursor: found.Cursor}
	for i, rec := range found.Messages {
		page.Messages[i] = n.entryOf(ctx, rec)
	}
	return page, nil
}

const maxPage = 500

func (n *Notifier) entryOf(ctx context.Context, rec store.MessageRecord) Entry {
	m := &rec.Message
	e := Entry{
		Report: n.reportOf(ctx, rec), Tenant: m.Tenant, Key: m.Key, Dispatcher: m.Dispatcher, Category: m.Category, Class: Class(m.Class),
		Template: m.Template, AtMostOnce: m.AtMostOnce, ExpireAt: m.ExpireAt, AcceptedAt: m.AcceptedAt,
	}
	for i := range rec.Deliveries {
		for _, a := range rec.Deliveries[i].Attempted {
			e.Attempts = append(e.Attempts, Attempt{
				Delivery: e.Deliveries[i].ID, At: a.At, Took: a.Took, Status: a.Status, Reason: a.Reason, Provider: a.Provider,
				ProviderID: a.ProviderID, Code: a.Code, Duplicate: a.Duplicate, Failure: a.Failure,
			})
		}
	}
	return e
}

// find reads one message and the time of the store's clock.
func (n *Notifier) find(ctx context.Context, id string, attempts bool) (now time.Time, rec store.MessageRecord, err error) {
	if n.store != nil && !store.IsMessageID(id) {
		return now, rec, ErrNotFound
	}
	page, err := n.list(ctx, store.MessageQuery{Filter: store.Filter{AnyTenant: true, MessageID: id}, Limit: 1, Attempts: attempts})
	if err == nil && len(page.Messages) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return now, rec, err
	}
	return page.Now, page.Messages[0], nil
}

func (n *Notifier) list(ctx context.Context, q store.MessageQuery) (store.MessagePage, error) {
	if n.store == nil {
		return store.MessagePage{}, fault("store", ErrNeedsStore)
	}
	page, err := n.store.ListMessages(ctx, q)
	return page, storeError(err)
}

// filter refuses unknown statuses and reasons, which would select nothing, or everything.
func (q *Query) filter() (store.Filter, error) {
	f := store.Filter{
		Tenant: q.Tenant, AnyTenant: q.AnyTenant, MessageID: q.ID, Key: q.Key, User: q.User, Channel: q.Channel, Class: string(q.Class),
		Category: q.Category, Template: q.Template, Statuses: q.Statuses, Reasons: q.Reasons, From: micros(q.From), To: micros(q.To),
	}
	if q.AnyTenant && q.Tenant != "" {
		return f, fault("any_tenant", errors.New("tenant and any_tenant are mutually exclusive"))
	}
	if q.Class != "" && !slices.Contains(classes[:], string(q.Class)) {
		return f, fault("class", errClass)
	}
	for i, s := range q.Statuses {
		if !s.Known() {
			return f, fault(at("statuses", i, ""), unknown("status", string(s)))
		}
	}
	for i, r := range q.Reasons {
		if !r.Known() {
			return f, fault(at("reasons", i, ""), unknown("reason", string(r)))
		}
	}
	if err := checkFields(word{"tenant", q.Tenant}, word{"key", q.Key}, word{"user", q.User}, word{"channel", q.Channel},
		word{"category", q.Category}, word{"template", q.Template}); err != nil {
		return f, err
	}
	if q.ID != "" && !store.IsMessageID(q.ID) {
		return f, fault("id", errors.New("must be a message id"))
	}
	return f, nil
}
