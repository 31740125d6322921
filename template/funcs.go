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

// A fault is an error of one of the Set's own functions. Its text contains no data.
type fault struct{ field, text string }

func (f fault) Error() string { return f.text }

// An env is the rendering as seen by the functions.
type env struct {
	set       *Set
	recipient any
	zoneName  string
	zone      *time.Location // loaded from zoneName at the first use
	left      int            // the number of bytes that functions may still produce
}

const (
	shownName    = "_shown"
	verbatimName = "_verbatim"
)

// newFuncs returns the functions for a template that is parsed, but not rendered.
func newFuncs(s *Set) map[string]any { return (&env{set: s}).funcs() }

// funcs returns all functions, bound to e. Some replace functions of text/template: those that produce strings are bounded and refuse
// the same values as shown; those that compare accept an integer beside a float, because decoded JSON has either for the same field,
// an integer for 3.0 and a float for 3.5.
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

// checkFuncs returns an error if text/template does not accept the host's functions, which text/template reports by a panic.
func checkFuncs(funcs map[string]any) (err error) {
	defer func() {
		if e := recover(); e != nil {
			err = fmt.Errorf("template: Options.Funcs: %v", e)
		}
	}()
	texttemplate.New("").Funcs(funcs)
	return nil
}

// date formats v, an RFC 3339 time, in the recipient's time zone. layout is one of package time.
func (e *env) date(layout string, v any) (string, error) {
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return "", fault{text: "the value must be an RFC 3339 time"}
	}
	if e.zone == nil {
		if e.zone, err = e.set.location(e.zoneName); err != nil {
			return "", err
		}
	}
	return e.made(t.In(e.zone).Format(layout))
}

// location returns the time zone called name, and loads each zone only once.
func (s *Set) location(name string) (*time.Location, error) {
	if l, ok := s.zones.Load(name); ok {
		return l.(*time.Location), nil
	}
	l, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name != "" && !fs.ValidPath(name) { // neither the machine's zone nor another spelling, such as ./UTC
		return nil, fault{field: "recipient.time_zone", text: "unknown time zone of the recipient"}
	}
	s.zones.Store(name, l)
	return l, nil
}

// money formats an amount in minor units, with the currency's number of decimal digits and its code: 1999 2 "EUR" gives 19.99 EUR.
func money(minor, digits any, code string) (string, error) {
	n, ok := whole(minor)
	if !ok {
		return "", fault{text: "the amount must be a whole number"}
	}
	d, ok := whole(digits)
	if !ok || d < 0 || d > 18 {
		return "", fault{text: "the digits must be a number from 0 to 18"}
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

// plural returns one if n is 1, otherwise other.
func plural(n any, one, other string) (string, error) {
	c, err := compare(n, 1)
	if err != nil {
		return "", fault{text: "the count must be a number"}
	}
	if c == 0 {
		return one, nil
	}
	return other, nil
}

// whole returns v as an integer, if v is a whole number that fits.
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

// equal reports whether a equals any of the bs. Null equals null alone.
func equal(a any, bs ...any) (bool, error) {
	if len(bs) == 0 {
		return false, fault{text: "a second value is required"}
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

// compare orders two numbers, two strings or two booleans, as [cmp.Compare] does. False is less than true.
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
	return 0, fault{text: "the values must be two numbers, two strings or two booleans"}
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
