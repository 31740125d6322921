package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/template"
)

// otpLife is how long a message of class OTP is of use unless it says otherwise.
const otpLife = 10 * time.Minute

// A plan is a message resolved into deliveries, rendered and checked, grouped by recipient.
type plan struct {
	id     string
	groups []group
	count  int // of deliveries
}

// report returns one with a place for each outcome, in the order of the plan.
func (p *plan) report() Report {
	r := Report{ID: p.id, Deliveries: make([]Outcome, p.count)}
	next := r.Deliveries
	for i := range p.groups {
		ds := p.groups[i].ds
		for j := range ds {
			ds[j].out = &next[j]
		}
		next = next[len(ds):]
	}
	return r
}

// A planner makes the plan of one message.
type planner struct {
	*Notifier
	m     Message
	data  any                        // m.Data, decoded
	extra map[string]json.RawMessage // m.Extra, encoded
	known map[string]Recipient       // what the directory answered; nil if it was not asked
	plan  plan
}

// plan resolves, renders and checks every delivery of m. It calls no driver's Send.
func (n *Notifier) plan(ctx context.Context, m Message) (plan, error) {
	if err := n.check(&m); err != nil {
		return plan{}, err
	}
	if m.Class == "" {
		m.Class = Transactional
	}
	now := time.Now()
	if m.Class == OTP && m.ExpireAt.IsZero() {
		m.ExpireAt = now.Add(otpLife)
	}
	p := planner{Notifier: n, m: m, plan: plan{id: newID(now)}}
	if err := p.encode(); err != nil {
		return plan{}, err
	}
	if err := p.askDirectory(ctx); err != nil {
		return plan{}, err
	}
	if err := p.addGroups(ctx); err != nil {
		return plan{}, err
	}
	return p.plan, nil
}

// newID returns a UUIDv7 as a string. uuid.NewV7 would do, but takes a lock that all Sends share to number ids within a
// millisecond, which nobody needs.
func newID(now time.Time) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(id[6:]) // never fails
	id[6] = id[6]&0x0f | 7<<4
	id[8] = id[8]&0x3f | 2<<6
	return id.String()
}

// encode brings Data and Extra into the form that templates and drivers see.
func (p *planner) encode() error {
	if p.m.Template != "" {
		data, err := decoded(p.m.Data)
		if err != nil {
			return fault("data", err)
		}
		p.data = data
	}
	if len(p.m.Extra) == 0 {
		return nil
	}
	p.extra = make(map[string]json.RawMessage, len(p.m.Extra))
	for name, v := range p.m.Extra {
		b, err := json.Marshal(v)
		if err != nil {
			return fault("extra."+name, err)
		}
		p.extra[name] = b
	}
	return nil
}

// askDirectory learns of those who have an ID and no addresses.
func (p *planner) askDirectory(ctx context.Context) error {
	if p.directory == nil {
		return nil
	}
	var ids []string
	for i := range p.m.To {
		if len(p.m.To[i].Addresses) == 0 {
			ids = append(ids, p.m.To[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var found []Recipient
	var err error
	if crash := p.guard("directory", func() { found, err = p.directory.Recipients(ctx, p.m.Tenant, ids) }); crash != nil {
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

// A person is a recipient with all that is known of them.
type person struct {
	Recipient
	no    int   // in Message.To
	fault error // fails all their deliveries
	data  any   // the Recipient, decoded, if there is a template
}

// person returns the recipient number i. What the message says of them goes before what the directory knows.
func (p *planner) person(i int) person {
	to := person{Recipient: p.m.To[i], no: i}
	if p.known == nil || len(to.Addresses) > 0 {
		return to
	}
	found, ok := p.known[to.ID]
	if !ok {
		to.fault = &channel.Error{Kind: channel.InvalidRecipient, Field: at("to", i, ".id"), Err: errors.New("the directory does not know it")}
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

// addGroups plans each recipient's deliveries, and those to nobody in particular: group channels of a message that does not have
// exactly one recipient.
func (p *planner) addGroups(ctx context.Context) error {
	personal, shared := p.m.Channels, p.m.Channels
	if len(p.m.To) == 1 {
		shared = nil
	} else {
		personal = p.only(personal, func(kind string) bool { return kind != channel.None })
		shared = p.only(shared, func(kind string) bool { return kind == channel.None })
	}
	p.plan.groups = make([]group, 0, len(p.m.To)+min(len(shared), 1))
	for i := range p.m.To {
		to := p.person(i)
		channels := personal
		if len(p.m.Channels) == 0 {
			channels = slices.Sorted(maps.Keys(to.Addresses))
		}
		if err := p.addGroup(ctx, &to, channels); err != nil {
			return err
		}
	}
	return p.addGroup(ctx, &person{no: len(p.m.To)}, shared)
}

// only returns the channels whose kind of address is wanted.
func (p *planner) only(channels []string, want func(kind string) bool) []string {
	return slices.DeleteFunc(slices.Clone(channels), func(name string) bool { return !want(p.gates[name].kind) })
}

// addGroup plans the deliveries to one recipient: for each channel, one for each address.
func (p *planner) addGroup(ctx context.Context, to *person, channels []string) error {
	if len(channels) == 0 {
		return nil
	}
	if p.m.Template != "" {
		data, err := decoded(to.Recipient)
		if err != nil {
			return fault(at("to", to.no, ".data"), err)
		}
		to.data = data
	}
	ds := make([]delivery, 0, len(channels))
	for _, name := range channels {
		gate := p.gates[name]
		draft := draft{gate: gate}
		if err := p.draft(ctx, &draft, to); err != nil {
			return err
		}
		for _, address := range gate.addresses(to.Recipient) {
			ds = append(ds, delivery{draft: draft})
			p.address(ctx, &ds[len(ds)-1].draft, to, len(ds)-1, address)
		}
	}
	p.plan.groups = append(p.plan.groups, group{Notifier: p.Notifier, dispatcher: p.dispatchers[p.m.Dispatcher], ds: ds})
	p.plan.count += len(ds)
	return nil
}

// A draft is a delivery on its way through the planner.
type draft struct {
	channel.Delivery
	gate  *gate
	fault error // settles it as failed
}

// draft renders what the deliveries to one recipient on one channel share, unless ctx has ended: then they will be canceled, and
// the sooner the better. Its error refuses the message.
func (p *planner) draft(ctx context.Context, d *draft, to *person) error {
	m := &p.m
	d.Delivery = channel.Delivery{
		MessageID: p.plan.id, Tenant: m.Tenant, Channel: d.gate.name, Recipient: to.ID, Locale: cmp.Or(to.Locale, m.Locale),
		Category: m.Category, Class: string(m.Class), AtMostOnce: m.AtMostOnce, ExpireAt: m.ExpireAt,
		Content: m.Content, Attachments: m.Attachments, Extra: p.extra[d.gate.name],
	}
	if d.gate.kind != channel.None {
		d.fault = to.fault
	}
	if m.Template == "" || d.fault != nil || ctx.Err() != nil {
		return nil
	}
	return p.render(ctx, d, to)
}

// address names d, redirects it and asks its driver whether it can work.
func (p *planner) address(ctx context.Context, d *draft, to *person, rank int, address string) {
	d.ID = p.plan.id + "-" + strconv.Itoa(to.no) + "-" + strconv.Itoa(rank)
	d.To = address
	if d.To == "" && d.fault == nil && d.gate.kind != channel.None {
		d.fault = noAddress(to, d.gate)
	}
	if d.fault != nil {
		return
	}
	for _, key := range []string{d.gate.kind, d.gate.name} {
		if address, ok := p.redirect[key]; ok && d.gate.takes(key) {
			d.To = address
		}
	}
	if d.gate.validator == nil || ctx.Err() != nil { // with ctx it will be canceled
		return
	}
	if crash := p.guard(d.Channel, func() { d.fault = refusal(d.gate.validator.Validate(d.Delivery)) }); crash != nil {
		d.fault = crash
	}
}

// refusal classifies what Validate says: unless it says otherwise, the content can never work.
func refusal(err error) error {
	e := classify(err)
	switch {
	case e == nil:
		return nil
	case e.Kind == channel.Unknown, e.Kind == channel.Uncertain: // nothing was sent, for certain
		return &channel.Error{Kind: channel.Rejected, Err: err}
	}
	return e
}

// render fills d from the message's template. Its error refuses the message.
func (p *planner) render(ctx context.Context, d *draft, to *person) error {
	var out template.Rendered
	var err error
	if crash := p.guard("templates", func() {
		out, err = p.templates.Render(ctx, template.Request{
			Tenant: d.Tenant, Key: p.m.Template, Channel: d.Channel, Locale: d.Locale, TimeZone: to.TimeZone, Data: p.data, Recipient: to.data,
		})
	}); crash != nil {
		err = crash
	}
	switch {
	case ctx.Err() != nil: // it will be canceled
		return nil
	case errors.Is(err, template.ErrNoTemplate):
		return fault("template", err)
	case !isNil(err):
		d.fault = renderFault(err)
		return nil
	}
	d.Content = out.Content
	if d.Extra == nil {
		d.Extra = out.Extra
	}
	return nil
}

// renderFault classifies a failure to render: unless it says otherwise, or ctx ended, the content can never work.
func renderFault(err error) error {
	var e *channel.Error
	switch {
	case errors.As(err, &e):
		return classify(err)
	case channel.KindOf(err) == channel.Uncertain:
		return &channel.Error{Kind: channel.Temporary, Field: "template", Err: err}
	}
	return &channel.Error{Kind: channel.Rejected, Field: "template", Err: err}
}

// addresses returns where r is reached over g, each once: under the channel's name, or else under the kind of address that it
// takes. Nowhere in particular is "".
func (g *gate) addresses(r Recipient) []string {
	found := r.Addresses[g.name]
	if len(found) == 0 && g.kind != "" {
		found = r.Addresses[g.kind]
	}
	switch {
	case g.kind == channel.None:
		return []string{""}
	case len(found) == 0 && g.kind == channel.UserID:
		return []string{r.ID}
	case len(found) == 0:
		return []string{""}
	case len(found) == 1:
		return found
	}
	var once []string
	for _, a := range found {
		if !slices.Contains(once, a) {
			once = append(once, a)
		}
	}
	return once
}

func noAddress(to *person, g *gate) error {
	key := cmp.Or(g.kind, g.name)
	return &channel.Error{Kind: channel.InvalidRecipient, Field: at("to", to.no, ".addresses."+key), Err: errors.New("no such address")}
}
