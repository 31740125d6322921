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

// A program is a compiled variant. It serves one rendering at a time, because its functions read the recipient from env. Variants keep
// programs for reuse, because text/template binds functions at parse time.
type program struct {
	env
	out     output
	swift   []executor // by fragment, for text; nil for constants and HTML
	careful []executor // by fragment, with every value passed through shown; for text, nil until the first use
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

// begin prepares p for a rendering.
func (p *program) begin(ctx context.Context, r *Request) {
	p.recipient, p.zoneName, p.zone = r.Recipient, r.TimeZone, nil
	p.left = 4 * p.set.o.MaxOutput
	p.out.room, p.out.steps, p.out.done = p.set.o.MaxOutput, maxSteps, ctx.Done()
}

// end releases the memory of the rendering.
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
	if !utf8.Valid(p.out.buf) { // the function slice may cut a character in two
		return strings.ToValidUTF8(string(p.out.buf), "?"), nil
	}
	return string(p.out.buf), nil
}

// carefully returns the careful executor of f.
func (p *program) carefully(f *fragment) executor {
	if p.careful[f.n] == nil {
		p.careful[f.n] = f.asText(p.funcs, true)
	}
	return p.careful[f.n]
}
