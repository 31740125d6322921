package template

import (
	"fmt"
	htmltemplate "html/template"
	"strconv"
	"strings"
)

// shown returns v in a printable form, in which numbers have no exponents. It refuses null, objects and lists.
func shown(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, fault{text: "null cannot be printed"}
	case map[string]any:
		return nil, fault{text: "an object cannot be printed"}
	case []any:
		return nil, fault{text: "a list cannot be printed"}
	case float64:
		if strings.Contains(strconv.FormatFloat(v, 'g', -1, 64), "e") {
			return decimal(v), nil
		}
	}
	return v, nil
}

// A decimal prints without an exponent.
type decimal float64

func (d decimal) String() string { return strconv.FormatFloat(float64(d), 'f', -1, 64) }

// MarshalJSON lets html/template write a number, not a string, in scripts.
func (d decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// shownInHTML is shown for html/template. It also alters any unsafeMark in the data, so that data cannot imitate a replaced value.
func shownInHTML(v any) (any, error) {
	if s, ok := v.(string); ok {
		return strings.ReplaceAll(s, unsafeMark, "Zgotmpl Z"), nil
	}
	return shown(v)
}

// verbatim returns s as HTML that is not escaped. See withConditionals.
func verbatim(s string) htmltemplate.HTML { return htmltemplate.HTML(s) }

// made deducts the length of s, the result of a function, from e.left and returns s.
func (e *env) made(s string) (string, error) {
	if e.left -= len(s); e.left < 0 {
		return "", tooLong()
	}
	return s, nil
}

func tooLong() error { return fault{text: "functions must produce at most 4 times MaxOutput bytes"} }

// bounded returns f with checks: all arguments must be printable, and arguments and result must fit into e.left bytes.
func (e *env) bounded(f func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		size := 0
		values := make([]any, len(args))
		for i, arg := range args {
			v, err := shown(arg)
			if err != nil {
				return "", err
			}
			if s, ok := v.(string); ok {
				size += len(s)
			}
			values[i] = v
		}
		if size > e.left {
			return "", tooLong()
		}
		return e.made(f(values...))
	}
}

// printf is fmt.Sprintf for printable values, with widths and precisions of up to 1000.
func (e *env) printf(format string, args ...any) (string, error) {
	if !complete(format, len(args)) {
		return "", fault{text: "the verbs of the format must match the values"}
	}
	f := formatting{left: e.left}
	values := make([]any, len(args))
	for i, arg := range args {
		values[i] = value{arg, &f}
	}
	s := fmt.Sprintf(format, values...)
	if f.err != nil {
		return "", f.err
	}
	return e.made(s)
}

// complete reports whether package fmt accepts the format for n values, without errors such as %!d(MISSING). Types do not matter.
func complete(format string, n int) bool {
	blanks := make([]any, n)
	for i := range blanks {
		blanks[i] = blank{}
	}
	return !strings.Contains(fmt.Sprintf(strings.ReplaceAll(format, "%%", ""), blanks...), "%!")
}

// A blank prints as nothing.
type blank struct{}

func (blank) Format(fmt.State, rune) {}

// A formatting is one call of printf.
type formatting struct {
	left int // the number of bytes that may still be produced
	err  error
}

// A value is an argument of printf. Package fmt calls Format for each verb.
type value struct {
	v any
	*formatting
}

func (v value) Format(s fmt.State, verb rune) {
	width, _ := s.Width()
	precision, _ := s.Precision()
	arg, ok := suiting(v.v, verb)
	_, err := shown(v.v)
	switch {
	case v.err != nil:
	case err != nil:
		v.err = err
	case width > 1000 || precision > 1000:
		v.err = fault{text: "widths and precisions must be at most 1000"}
	case !ok:
		v.err = fault{text: "%" + string(verb) + " cannot format the value"}
	case v.left < 0:
		v.err = tooLong()
	default:
		n, _ := fmt.Fprintf(s, fmt.FormatString(s, verb), arg)
		v.left -= n
	}
}

// suiting returns v converted for the verb, and whether the verb accepts v. Integers may have the verbs of floats, and floats without
// a fraction may have those of integers.
func suiting(v any, verb rune) (any, bool) {
	n, isWhole := whole(v)
	f, isFloat := v.(float64)
	in := func(verbs string) bool { return strings.ContainsRune(verbs, verb) }
	switch v := v.(type) {
	case string:
		return v, in("vsqxX")
	case bool:
		return v, in("vt")
	}
	switch {
	case isWhole && in("vdbcoOxXUq"):
		return n, true
	case isWhole:
		return float64(n), in("eEfFgG")
	case isFloat && verb == 'v':
		return decimal(f), true
	case isFloat:
		return f, in("eEfFgG")
	}
	return v, true // a type of the host's, from one of its functions
}
