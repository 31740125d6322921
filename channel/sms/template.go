package sms

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/internal/code"
)

// A Template is a text that the vendor approved.
type Template struct {
	ID   string // the vendor's, such as "SMS_154950909" (Aliyun) or "1000001" (Tencent)
	Sign string // the approved signature, without brackets; defaults to the gateway's
	// Params names the parameters, in the order in which the text holds them. A message must give each of them, and no other. Tencent
	// gets the values alone, in this order; Aliyun gets names and values, so there the names must be those in the text.
	Params []string
}

// Templates are the approved texts of a gateway. The keys are the host's own names, which messages use in [channel.Approved].
type Templates map[string]Template

// WithSign returns a copy in which templates without a signature have sign.
func (ts Templates) WithSign(sign string) Templates {
	out := make(Templates, len(ts))
	for name, t := range ts {
		t.Sign = cmp.Or(t.Sign, sign)
		out[name] = t
	}
	return out
}

// Valid refuses an empty set, a template without an ID, and parameters of one name.
func (ts Templates) Valid() error {
	if len(ts) == 0 {
		return errors.New("Templates is required")
	}
	for _, name := range slices.Sorted(maps.Keys(ts)) {
		switch t := ts[name]; {
		case t.ID == "":
			return fmt.Errorf("template %q: ID is required", name)
		case len(slices.Compact(slices.Sorted(slices.Values(t.Params)))) < len(t.Params):
			return fmt.Errorf("template %q: names of parameters must be distinct", name)
		}
	}
	return nil
}

// Signed refuses a template without a signature.
func (ts Templates) Signed() error {
	for _, name := range slices.Sorted(maps.Keys(ts)) {
		if ts[name].Sign == "" {
			return fmt.Errorf("template %q: Sign is required", name)
		}
	}
	return nil
}

// arrange finds the template of a, and returns it with a copy of a whose parameters are in the template's order.
func (ts Templates) arrange(a *channel.Approved) (Template, *channel.Approved, error) {
	if a == nil {
		return Template{}, nil, refuse("content.approved", "is required: the gateway takes no other form")
	}
	t, ok := ts[a.Name]
	if !ok {
		return Template{}, nil, refuse("content.approved.name", "must be one of the gateway's templates")
	}
	params, err := t.order(a.Params)
	if err != nil {
		return Template{}, nil, err
	}
	return t, &channel.Approved{Name: a.Name, Params: params}, nil
}

// order returns the given parameters in the template's order.
func (t Template) order(given []channel.Param) ([]channel.Param, error) {
	values := make(map[string]string, len(given))
	for _, p := range given {
		if _, twice := values[p.Name]; twice {
			return nil, refuse(paramField(p.Name), "must be given once")
		}
		if !slices.Contains(t.Params, p.Name) {
			return nil, refuse(paramField(p.Name), "must be a parameter of the template")
		}
		values[p.Name] = p.Value
	}
	params := make([]channel.Param, len(t.Params))
	for i, name := range t.Params {
		value, ok := values[name]
		if !ok {
			return nil, refuse(paramField(name), "is required")
		}
		params[i] = channel.Param{Name: name, Value: value}
	}
	return params, nil
}

// paramField returns the path of a parameter. A name that could be free text stays out, because a message brought it.
func paramField(name string) string {
	if !code.Valid(name) {
		return "content.approved.params"
	}
	return "content.approved.params." + name
}
