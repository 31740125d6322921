package notify

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/template"
)

// otpLife is how long a message of class OTP is of use unless it says otherwise.
const otpLife = 10 * time.Minute

// A plan is a message resolved into deliveries, rendered and checked, grouped by recipient.
type plan struct {
	id     string
	extra  map[string]json.RawMessage // the message's, encoded, by channel
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
	data  any                  // m.Data, decoded
	known map[string]Recipient // what the directory answered; nil if it was not asked
	plan  plan
}

// plan resolves, renders and checks every delivery of m. It calls no driver's Send.
func (n *Notifier) plan(ctx context.Context, m Message) (plan, error) {
	if err := n.check(&m); err != nil {
		return plan{}, err
	}
	now := time.Now()
	m.fill(now)
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

// fill gives m its default class and expiry. Once filled, it stays as it is.
func (m *Message) fill(now time.Time) {
	m.Class = cmp.Or(m.Class, Transactional)
	switch {
	case !m.ExpireAt.IsZero():
	case m.Class == OTP && m.SendAt.After(now):
		m.ExpireAt = m.SendAt.Add(otpLife)
	case m.Class == OTP:
		m.ExpireAt = now.Add(otpLife)
	}
	m.ExpireAt = micros(m.ExpireAt)
}

// newID returns a UUIDv7: 48 bits of time, 74 random ones. It is no secret. Written out, because the usual libraries bring the
// interfaces of database drivers into every program, and a lock to number the ids within a millisecond, which nobody needs.
func newID(now time.Time) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(now.UnixMilli())<<16|rand.Uint64()&0x0fff|7<<12)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()>>2|2<<62)
	text := hex.AppendEncode(make([]byte, 0, 36), id[:4])
	for i := 4; i < 10; i += 2 {
		text = hex.AppendEncode(append(text, '-'), id[i:i+2])
	}
	return string(hex.AppendEncode(append(text, '-'), id[10:]))
}

// encode brings Data and Extra into the form that templates and drivers see.
func (p *planner) encode() error {
	if p.m.Template != "" {
		data, err := template.Decode(p.m.Data)
		if err != nil {
			return fault("data", err)
		}
		p.data = data
	}
	if len(p.m.Extra) == 0 {
		return nil
	}
	p.plan.extra = make(map[string]json.RawMessage, len(p.m.Extra))
	for name, v := range p.m.Extra {
		b, err := json.Marshal(v)
		if err != nil {
			return fault("extra."+name, err)
		}
		p.plan.extra[name] = b
	}
	return nil
}

// addGroups plans each recipient's deliveries, and those to nobody in particular: group channels of a message that does not have
// exactly one recipient.
func (p *planner) addGroups(ctx context.Context) error {
	personal, shared := p.m.Channels, []string(nil)
	if len(p.m.To) != 1 {
		personal = nil
		for _, name := range p.m.Channels {
			if p.gates[name].kind == channel.None {
				shared = append(shared, name)
			} else {
				personal = append(personal, name)
			}
		}
	}
	p.plan.groups = make([]group, 0, len(p.m.To)+min(len(shared), 1))
	for i := range p.m.To {
		to := p.person(i)
		channels := personal
		if len(p.m.Channels) == 0 {
			channels = namesOf(to.Addresses)
		}
		if err := p.addGroup(ctx, &to, channels); err != nil {
			return err
		}
	}
	return p.addGroup(ctx, &person{no: len(p.m.To)}, shared)
}

// addGroup plans the deliveries to one recipient: for each channel, one for each address.
func (p *planner) addGroup(ctx context.Context, to *person, channels []string) error {
	if len(channels) == 0 {
		return nil
	}
	if p.m.Template != "" {
		data, err := template.Decode(to.Recipient)
		if err != nil {
			return fault(at("to", to.no, ".data"), err)
		}
		to.data = data
	}
	ds := make([]delivery, 0, len(channels))
	for _, name := range channels {
		gate, first := p.gates[name], len(ds)
		addresses := gate.addresses(to.Recipient)
		ds = slices.Grow(ds, len(addresses))[:first+len(addresses)]
		ds[first].gate = gate
		if err := p.draft(ctx, &ds[first].draft, to); err != nil {
			return err
		}
		for i := first + 1; i < len(ds); i++ {
			ds[i].draft = ds[first].draft
		}
		for i, address := range addresses {
			p.address(ctx, &ds[first+i].draft, to, first+i, address)
		}
	}
	p.plan.groups = append(p.plan.groups, group{Notifier: p.Notifier, dispatcher: p.dispatchers[p.m.Dispatcher], no: to.no, ds: ds})
	p.plan.count += len(ds)
	return nil
}
