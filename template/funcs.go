package template

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"reflect"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"
)

// A fault is an error of a function that the Set brings. Its text holds no data.
type fault struct{ field, text string }

func (f fault) Error() string { return f.text }

// An env is what functions know of the rendering that calls them.
type env struct {
	set       *Set
	recipient any
	zoneName  string
	zone      *time.Location // of zoneName; nil until it is needed
	left      int            // how many bytes functions may still make
}

const (
	shownName    = "_shown"
	verbatimName = "_verbatim"
)

// newFuncs returns the functions for a template that is only parsed.
func newFuncs(s *Set) map[string]any { return (&env{set: s}).funcs() }

// funcs returns all functions, bound to e. Those of text/template that make strings are replaced by bounded ones that refuse what
// shown refuses; those that compare, by ones to which all numbers are alike, because 3.0 is an integer in JSON and 3.5 is not.
func (e *env) funcs() map[string]any {
	all := map[string]any{
		"recipient": func() any { return e.recipient },
		"date":      e.date,
		"money":     money,
		"plural":    plural,

		"eq": equal,
		"ne": func(a, b any) (bool, error) { is, err := equal(a, b); return !is, err },
		"lt": func(a, b any) (bool, error) { c, err := compare(a, b); return c < 0, err },
		"le": func(a, b any) (bool, error) { c, err := compare(a, b); return c <= 0, err },
		"gt": func(a, b any) (bool, error) { c, err := compare(a, b); return c > 0, err },
		"ge": func(a, b any) (bool, error) { c, err := compare(a, b); return c >= 0, err },

		"print":    e.bounded(fmt.Sprint),
		"println":  e.bounded(fmt.Sprintln),
		"printf":   e.printf,
		"html":     e.bounded(texttemplate.HTMLEscaper),
		"js":       e.bounded(texttemplate.JSEscaper),
		"urlquery": e.bounded(texttemplate.URLQueryEscaper),

		shownName:    shown,
		verbatimName: verbatim,
	}
	maps.Copy(all, e.set.o.Funcs)
	return all
}

// checkFuncs tells whether text/template takes the host's functions, which it says by a panic.
func checkFuncs(funcs map[string]any) (err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("template: Options.Funcs: %v", e)
		}
	}()
	texttemplate.New("").Funcs(funcs)
	return nil
}

// date formats v, an RFC 3339 time, in the recipient's time zone by a layout as in package time.
func (e *env) date(layout string, v any) (string, error) {
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "", fault{text: "the value is not an RFC 3339 time"}
	}
	if e.zone == nil {
		if e.zone, err = e.set.location(e.zoneName); err != nil {
			return "", err
		}
	}
	return e.made(t.In(e.zone).Format(layout))
}

// location loads a time zone once.
func (s *Set) location(name string) (*time.Location, error) {
	if l, ok := s.zones.Load(name); ok {
		return l.(*time.Location), nil
	}
	l, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name != "" && !fs.ValidPath(name) { // the machine's, or another spelling, such as ./UTC
		return nil, fault{field: "recipient.time_zone", text: "the recipient's time zone is not known"}
	}
	s.zones.Store(name, l)
	return l, nil
}

// money writes an amount of minor units with as many decimals as the currency has digits, and its code: 1999 2 "EUR" is 19.99 EUR.
func money(minor, digits any, code string) (string, error) {
	n, ok := whole(minor)
	if !ok {
		return "", fault{text: "the amount is not a whole number"}
	}
	d, ok := whole(digits)
	if !ok || d < 0 || d > 18 {
		return "", fault{text: "the digits are not a number from 0 to 18"}
	}
	sign, s := "", strconv.FormatInt(n, 10)
	if n < 0 {
		sign, s = "-", s[1:]
	}
	if point := int(d); point > 0 {
		s = strings.Repeat("0", max(0, point+1-len(s))) + s
		s = s[:len(s)-point] + "." + s[len(s)-point:]
	}
	return strings.TrimSpace(sign + s + " " + code), nil
}

// plural returns one if n is 1, and other if not.
func plural(n any, one, other string) (string, error) {
	c, err := compare(n, 1)
	if err != nil {
		return "", fault{text: "the count is not a number"}
	}
	if c == 0 {
		return one, nil
	}
	return other, nil
}

// whole returns v as an integer, if it is one.
func whole(v any) (int64, bool) {
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return r.Int(), true
	case r.CanUint():
		return int64(r.Uint()), r.Uint() <= math.MaxInt64
	case r.CanFloat():
		f := r.Float()
		return int64(f), f == math.Trunc(f) && math.Abs(f) < 1<<53
	}
	return 0, false
}

// equal reports whether a equals any of the bs. Nothing but null equals null.
func equal(a any, bs ...any) (bool, error) {
	if len(bs) == 0 {
		return false, fault{text: "there is nothing to compare with"}
	}
	for _, b := range bs {
		if a == nil && b == nil {
			return true, nil
		}
		if a == nil || b == nil {
			continue
		}
		if c, err := compare(a, b); err != nil || c == 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// compare orders two numbers, two strings or two booleans.
func compare(a, b any) (int, error) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case x.CanInt() && y.CanInt():
		return cmp.Compare(x.Int(), y.Int()), nil
	case isNumber(x) && isNumber(y):
		return cmp.Compare(toFloat(x), toFloat(y)), nil
	case x.Kind() == reflect.String && y.Kind() == reflect.String:
		return cmp.Compare(x.String(), y.String()), nil
	case x.Kind() == reflect.Bool && y.Kind() == reflect.Bool:
		return cmp.Compare(toInt(x.Bool()), toInt(y.Bool())), nil
	}
	return 0, fault{text: "the values cannot be compared"}
}

func isNumber(v reflect.Value) bool { return v.CanInt() || v.CanUint() || v.CanFloat() }

func toFloat(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	}
	return v.Float()
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
