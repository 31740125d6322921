package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/e7ddda3c/notify/channel"
)

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

func noAddress(to *person, g *gate) error { return addressFault(to, g, errors.New("no such address")) }

func addressFault(to *person, g *gate, err error) error {
	return &channel.Error{Kind: channel.InvalidRecipient, Field: at("to", to.no, ".addresses."+cmp.Or(g.kind, g.name)), Err: err}
}
