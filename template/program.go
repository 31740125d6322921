package template

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// An executor is a template of text/template or html/template.
type executor interface {
	Execute(w io.Writer, data any) error
}

// A program is one variant made ready for one rendering at a time: its functions know the recipient. A variant keeps programs for
// reuse, because text/template binds functions when it parses.
type program struct {
	env
	out     output
	swift   []executor // one for each fragment; nil for a constant
	careful []executor // the same with shown behind every value; made when needed
	funcs   map[string]any
}

func newProgram(s *Set, v *variant) *program {
	p := &program{
		env:     env{set: s},
		swift:   make([]executor, len(v.fragments)),
		careful: make([]executor, len(v.fragments)),
	}
	p.funcs = p.env.funcs()
	for i, f := range v.fragments {
		switch {
		case f.html:
			p.careful[i] = f.asHTML(p.funcs)
		case f.trees != nil:
			p.swift[i] = f.asText(p.funcs, false)
		}
	}
	return p
}

// begin makes p ready for a rendering.
func (p *program) begin(ctx context.Context, r *Request) {
	p.recipient, p.zoneName, p.zone = r.Recipient, r.TimeZone, nil
	p.left = 4 * p.set.o.MaxOutput
	p.out.room, p.out.steps, p.out.done = p.set.o.MaxOutput, maxSteps, ctx.Done()
}

// end lets go of what belongs to the rendering.
func (p *program) end() {
	p.recipient = nil
	if cap(p.out.buf) > 64<<10 {
		p.out.buf = nil
	}
}

// run renders a fragment of the variant.
func (p *program) run(f *fragment, data any) (string, error) {
	p.out.buf = p.out.buf[:0]
	if f.trees == nil {
		if p.out.room -= len(f.constant); p.out.room < 0 {
			return "", f.fault(errRoom, p)
		}
		return f.constant, nil
	}
	room := p.out.room
	err := errDoubt
	if x := p.swift[f.n]; x != nil {
		p.out.wary = true
		err = x.Execute(&p.out, data)
	}
	if err != nil && errors.Is(err, errDoubt) {
		p.out.buf, p.out.room, p.out.wary = p.out.buf[:0], room, false
		err = p.carefully(f).Execute(&p.out, data)
	}
	if err != nil {
		return "", f.fault(err, p)
	}
	if f.html && bytes.Contains(p.out.buf, []byte(unsafeMark)) {
		return "", f.fault(errUnsafe, p)
	}
	if !utf8.Valid(p.out.buf) { // slice may cut a letter in two
		return strings.ToValidUTF8(string(p.out.buf), "?"), nil
	}
	return string(p.out.buf), nil
}

func (p *program) carefully(f *fragment) executor {
	if p.careful[f.n] == nil {
		p.careful[f.n] = f.asText(p.funcs, true)
	}
	return p.careful[f.n]
}
