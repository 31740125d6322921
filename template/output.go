package template

import (
	"bytes"
	"errors"
)

// Why a template was stopped.
var (
	errRoom    = errors.New("it writes more than MaxOutput bytes")
	errSteps   = errors.New("it takes more than 1000000 steps")
	errStopped = errors.New("its context is done")
	errUnsafe  = errors.New("html/template replaced a value by ZgotmplZ, because it is not safe where it stands, such as a link that is not http")
	errDoubt   = errors.New("it may have printed what cannot be printed")
)

// unsafeMark is what html/template writes for a value that is not safe where it stands.
const unsafeMark = "ZgotmplZ"

const maxSteps = 1_000_000

// output takes what a template writes, within bounds. Every branch, call and turn of a loop starts with an empty write, put there by
// withTicks, so that a template that writes nothing is bounded as well.
type output struct {
	buf   []byte
	room  int             // how many bytes may still come
	steps int             // how many writes may still come
	done  <-chan struct{} // closed when nobody waits any more
	wary  bool            // whether to stop at what looks like null, an object, a list or a number with an exponent
}

func (o *output) Write(p []byte) (int, error) {
	if o.steps--; o.steps < 0 {
		return 0, errSteps
	}
	switch {
	case len(p) == 0:
		select {
		case <-o.done:
			return 0, errStopped
		default:
		}
	case len(p) > o.room:
		return 0, errRoom
	case o.wary && doubtful(p):
		return 0, errDoubt
	}
	o.room -= len(p)
	o.buf = append(o.buf, p...)
	return len(p), nil
}

// doubtful reports whether p, a single write, may be text/template's form of a value that shown would refuse or change. It errs on
// the side of doubt: then the template runs again with shown behind every value.
func doubtful(p []byte) bool {
	n := len(p)
	switch p[0] {
	case '<':
		return string(p) == "<no value>"
	case 'm':
		return bytes.HasPrefix(p, []byte("map["))
	case '[':
		return p[n-1] == ']'
	}
	return n >= 5 && n <= 24 && p[n-1] >= '0' && p[n-1] <= '9' && (isExponent(p[n-4], p[n-3]) || isExponent(p[n-5], p[n-4]))
}

// isExponent reports whether a number goes on with two digits, or three, after e and a sign.
func isExponent(e, sign byte) bool { return e == 'e' && (sign == '+' || sign == '-') }
