package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/internal/engine"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/template"
)

// otpLife is the time after which a message of class OTP without an ExpireAt expires.
const otpLife = 10 * time.Minute

// A planner turns messages into plans. It is immutable, and may be used by many goroutines at once.
type planner struct {
	media       map[string]*medium
	dispatchers map[string]Dispatcher
	templates   template.Renderer
	directory   Directory
	redirect    map[string]string
	stored      bool // messages must fit into a store
	guard       engine.Guard
}

// A plan is a message resolved into deliveries, rendered and checked, grouped by recipient.
type plan struct {
	id      string
	message Message                    // with its defaults filled in
	extra   map[string]json.RawMessage // of the message, encoded, by channel
	groups  []engine.Group
	count   int // of deliveries
}

// report returns the report of a plan that has been carried out.
func (p *plan) report() Report {
	r := Report{ID: p.id, Deliveries: make([]Outcome, 0, p.count)}
	for i := range p.groups {
		ds := p.groups[i].Deliveries
		for j := range ds {
			d := &ds[j]
			r.Deliveries = append(r.Deliveries, outcomeOf(d.ID, d.Recipient, d.Via.Name, d.To, d.Fate))
		}
	}
	return r
}

// A planning is the state while one plan is made.
type planning struct {
	*planner
	plan  plan
	data  any                  // the message's Data, decoded
	known map[string]Recipient // the directory's answer; nil if it was not asked
}

// plan resolves, renders and checks every delivery of m. It does not send any of them.
func (p *planner) plan(ctx context.Context, m Message) (plan, error) {
	if err := p.check(&m); err != nil {
		return plan{}, err
	}
	now := time.Now()
	m.fill(now)
	x := planning{planner: p, plan: plan{id: store.NewMessageID(now), message: m}}
	if err := x.encode(); err != nil {
		return plan{}, err
	}
	if err := x.askDirectory(ctx); err != nil {
		return plan{}, err
	}
	if err := x.addGroups(ctx); err != nil {
		return plan{}, err
	}
	return x.plan, nil
}

// fill gives m its default class and expiry.
func (m *Message) fill(now time.Time) {
	m.Class = cmp.Or(m.Class, Transactional)
	if m.ExpireAt.IsZero() && m.Class == OTP {
		m.ExpireAt = now.Add(otpLife)
		if m.SendAt.After(now) {
			m.ExpireAt = m.SendAt.Add(otpLife)
		}
	}
	m.ExpireAt = micros(m.ExpireAt)
}

// encode converts Data and Extra to the form that templates and drivers receive.
func (p *planning) encode() error {
	m := &p.plan.message
	if m.Template != "" {
		data, err := template.Decode(m.Data)
		if err != nil {
			return fault("data", err)
		}
		p.data = data
	}
	if len(m.Extra) == 0 {
		return nil
	}
	p.plan.extra = make(map[string]json.RawMessage, len(m.Extra))
	for name, v := range m.Extra {
		b, err := json.Marshal(v)
		if err != nil {
			return fault("extra."+name, err)
		}
		p.plan.extra[name] = b
	}
	return nil
}

// askDirectory looks up the recipients that have an ID and no addresses.
func (p *planning) askDirectory(ctx context.Context) error {
	if p.directory == nil {
		return nil
	}
	m := &p.plan.message
	var ids []string
	for i := range m.To {
		if len(m.To[i].Addresses) == 0 {
			ids = append(ids, m.To[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var found []Recipient
	var err error
	if crash := p.guard.Do("directory", func() { found, err = p.directory.Recipients(ctx, m.Tenant, ids) }); crash != nil {
		err = crash
	}
	if err != nil {
		return fault("to", fmt.Errorf("the directory failed: %w", err))
	}
	p.known = make(map[string]Recipient, len(found))
	for _, r := range found {
		p.known[r.ID] = r
	}
	return nil
}

// addGroups plans each recipient's deliveries, and those of group channels, which have no recipient unless the message has exactly one.
func (p *planning) addGroups(ctx context.Context) error {
	m := &p.plan.message
	personal, shared := m.Channels, []string(nil)
	if len(m.To) != 1 {
		personal = nil
		for _, name := range m.Channels {
			if p.media[name].kind == channel.None {
				shared = append(shared, name)
			} else {
				personal = append(personal, name)
			}
		}
	}
	p.plan.groups = make([]engine.Group, 0, len(m.To)+min(len(shared), 1))
	for i := range m.To {
		to := p.person(i)
		channels := personal
		if len(m.Channels) == 0 {
			channels = namesOf(to.Addresses)
		}
		if err := p.addGroup(ctx, &to, channels); err != nil {
			return err
		}
	}
	return p.addGroup(ctx, &person{place: len(m.To)}, shared)
}

// addGroup plans the deliveries to one recipient: for each channel, one for each address.
func (p *planning) addGroup(ctx context.Context, to *person, channels []string) error {
	if len(channels) == 0 {
		return nil
	}
	if p.plan.message.Template != "" {
		data, err := template.Decode(to.Recipient)
		if err != nil {
			return fault(at("to", to.place, ".data"), err)
		}
		to.data = data
	}
	ds := make([]engine.Delivery, 0, len(channels))
	for _, name := range channels {
		medium, first := p.media[name], len(ds)
		addresses := medium.addresses(to.Recipient)
		ds = slices.Grow(ds, len(addresses))[:first+len(addresses)]
		if err := p.draft(ctx, &ds[first], medium, to); err != nil {
			return err
		}
		for i := first + 1; i < len(ds); i++ {
			ds[i].Delivery, ds[i].Via, ds[i].Fault = ds[first].Delivery, ds[first].Via, ds[first].Fault
		}
		for i, address := range addresses {
			d := &ds[first+i]
			d.ID = store.DeliveryRef{MessageID: p.plan.id, Recipient: to.place, Place: first + i}.ID()
			p.address(ctx, d, medium, to, address)
		}
	}
	name := cmp.Or(p.plan.message.Dispatcher, "all")
	grouped := decidesTogether(p.dispatchers[name], len(ds))
	p.plan.groups = append(p.plan.groups, engine.Group{Recipient: to.place, Dispatcher: name, Grouped: grouped, Deliveries: ds})
	p.plan.count += len(ds)
	return nil
}

// A person is a recipient with the data of the message and of the directory.
type person struct {
	Recipient
	place int            // in Message.To
	fault *channel.Error // nil, or the error of all their deliveries
	data  any            // the Recipient, decoded, if there is a template
}

// person returns the recipient number i. The fields of the message take precedence over those of the directory.
func (p *planning) person(i int) person {
	to := person{Recipient: p.plan.message.To[i], place: i}
	if p.known == nil || len(to.Addresses) > 0 {
		return to
	}
	found, ok := p.known[to.ID]
	if !ok {
		to.fault = &channel.Error{Kind: channel.InvalidRecipient, Field: at("to", i, ".id"), Err: errors.New("the directory has no user with this id")}
		return to
	}
	to.Addresses = found.Addresses
	to.Locale = cmp.Or(to.Locale, found.Locale)
	to.TimeZone = cmp.Or(to.TimeZone, found.TimeZone)
	if to.Data == nil {
		to.Data = found.Data
	}
	if field, err := checkRecipient(&to.Recipient); err != nil {
		to.fault = &channel.Error{Kind: channel.InvalidRecipient, Field: at("to", i, field), Err: err}
	}
	return to
}

// addressFault returns the error of a delivery whose recipient has no address for the channel, or an invalid one.
func (to *person) addressFault(m *medium, err error) *channel.Error {
	field := at("to", to.place, ".addresses."+cmp.Or(m.kind, m.Name))
	return &channel.Error{Kind: channel.InvalidRecipient, Field: field, Err: err}
}
