package template

import (
	"bytes"
	"errors"
)

// The reasons to stop a rendering.
var (
	errRoom    = errors.New("the output must be at most MaxOutput bytes")
	errSteps   = errors.New("a rendering must take at most 1000000 steps")
	errStopped = errors.New("the context is done")
	errUnsafe  = errors.New("a value must be safe in its place: html/template replaced it by ZgotmplZ, for example because a link is not http, https or mailto")
	errDoubt   = errors.New("the output may contain a value that cannot be printed")
)

// unsafeMark is the text with which html/template replaces a value that is unsafe in its place.
const unsafeMark = "ZgotmplZ"

const maxSteps = 1_000_000

// output collects the output of a template within bounds. Every branch, call and iteration starts with an empty write, inserted by
// withTicks. A template that writes nothing is therefore bounded as well.
type output struct {
	buf   []byte
	room  int             // the number of bytes that may still be written
	steps int             // the number of writes that may still be made
	done  <-chan struct{} // closed when the context of the rendering is done
	wary  bool            // stop at text that looks like null, an object, a list or a number with an exponent
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

// doubtful reports whether p, a single write, may be a printed value that shown would refuse or change. False positives are harmless:
// after any doubt, the template runs again with every value passed through shown.
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

// isExponent reports whether e and sign start the exponent of a number. Two or three digits follow.
func isExponent(e, sign byte) bool { return e == 'e' && (sign == '+' || sign == '-') }
