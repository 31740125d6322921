package sms

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/e7ddda3c/notify/channel"
)

// A Template is a text that the vendor approved. A gateway's options hold them under the host's own names, which are those of
// [channel.Approved].
type Template struct {
	ID   string // the vendor's, such as "SMS_154950909" (Aliyun) or "1000001" (Tencent)
	Sign string // the approved signature, without brackets; by default the gateway's
	// Params are the names of the parameters, in the order in which the text holds them. Tencent is sent the values in this
	// order. Aliyun is sent names and values, so there the names are also those in the text. None may be missing in a message,
	// none may be added.
	Params []string
}

// signed copies templates and gives sign to those that have none.
func signed(templates map[string]Template, sign string) map[string]Template {
	out := make(map[string]Template, len(templates))
	for name, t := range templates {
		t.Sign = cmp.Or(t.Sign, sign)
		out[name] = t
	}
	return out
}

// checkTemplates says what is wrong with a gateway's templates.
func checkTemplates(vendor string, templates map[string]Template, needSign bool) error {
	if len(templates) == 0 {
		return fmt.Errorf("%s: no Templates", vendor)
	}
	for _, name := range slices.Sorted(maps.Keys(templates)) {
		switch t := templates[name]; {
		case t.ID == "":
			return fmt.Errorf("%s: template %q has no ID", vendor, name)
		case t.Sign == "" && needSign:
			return fmt.Errorf("%s: template %q has no Sign", vendor, name)
		case len(slices.Compact(slices.Sorted(slices.Values(t.Params)))) < len(t.Params):
			return fmt.Errorf("%s: template %q names a parameter twice", vendor, name)
		}
	}
	return nil
}

// arrange finds the template of a and puts a's parameters into its order.
func arrange(templates map[string]Template, a *channel.Approved) (Template, *channel.Approved, error) {
	if a == nil {
		return Template{}, nil, refuse("content.approved", "is missing, and this gateway takes no other form")
	}
	t, ok := templates[a.Name]
	if !ok {
		return Template{}, nil, refuse("content.approved.name", "this gateway has no such template")
	}
	params, err := t.order(a.Params)
	if err != nil {
		return Template{}, nil, err
	}
	return t, &channel.Approved{Name: a.Name, Params: params}, nil
}

// order returns given as the template wants it.
func (t Template) order(given []channel.Param) ([]channel.Param, error) {
	values := make(map[string]string, len(given))
	for _, p := range given {
		if _, twice := values[p.Name]; twice {
			return nil, refuse(paramField(p.Name), "is given twice")
		}
		if !slices.Contains(t.Params, p.Name) {
			return nil, refuse(paramField(p.Name), "the template has no such parameter")
		}
		values[p.Name] = p.Value
	}
	params := make([]channel.Param, len(t.Params))
	for i, name := range t.Params {
		value, ok := values[name]
		if !ok {
			return nil, refuse(paramField(name), "is missing")
		}
		params[i] = channel.Param{Name: name, Value: value}
	}
	return params, nil
}

// paramField is where a parameter is at fault. What does not look like a name stays out of it: it comes from a message.
func paramField(name string) string {
	if !word(name) {
		return "content.approved.params"
	}
	return "content.approved.params." + name
}
