package template

import (
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/e7ddda3c/notify/channel"
)

// A variant is the content of one key for one channel and one locale. It is not modified once loaded, except for its programs.
type variant struct {
	name      string // such as "order.shipped/email.zh", for errors
	parts     []part // in the order of partNames
	approved  *approved
	extra     []piece
	fragments []*fragment             // all fragments in parts, approved and extra
	idle      atomic.Pointer[program] // an unused program, or nil
	programs  sync.Pool               // of further unused *program
}

type part struct {
	name string
	*fragment
}

// partNames are the parts with files of their own.
const partNames = "title text html markdown url"

// approved is the template of a channel.Approved.
type approved struct {
	name   *fragment
	params []struct{ name, value *fragment }
}

// A piece is either a stretch of constant JSON, or a string to render.
type piece struct {
	raw []byte
	*fragment
}

// take returns an unused program, or nil.
func (v *variant) take() *program {
	if p := v.idle.Swap(nil); p != nil {
		return p
	}
	p, _ := v.programs.Get().(*program)
	return p
}

// put makes p available to take again.
func (v *variant) put(p *program) {
	p.end()
	if !v.idle.CompareAndSwap(nil, p) {
		v.programs.Put(p)
	}
}

// render renders the parts in order, up to the first error.
func (v *variant) render(out *Rendered, p *program, data any) (err error) {
	for _, part := range v.parts {
		s, err := p.run(part.fragment, data)
		if err != nil {
			return err
		}
		s = withoutBreak(s)
		switch part.name {
		case "title":
			out.Content.Title = s
		case "text":
			out.Content.Text = s
		case "html":
			out.Content.HTML = s
		case "markdown":
			out.Content.Markdown = s
		case "url":
			out.Content.URL = s
		}
	}
	if v.approved != nil {
		if out.Content.Approved, err = v.approved.render(p, data); err != nil {
			return err
		}
	}
	if v.extra != nil {
		out.Extra, err = v.renderExtra(p, data)
	}
	return err
}

func (a *approved) render(p *program, data any) (out *channel.Approved, err error) {
	line := func(f *fragment) (s string) {
		if err == nil {
			s, err = p.run(f, data)
		}
		return withoutBreak(s)
	}
	out = &channel.Approved{Name: line(a.name)}
	for _, param := range a.params {
		out.Params = append(out.Params, channel.Param{Name: line(param.name), Value: line(param.value)})
	}
	return out, err
}

func (v *variant) renderExtra(p *program, data any) (json.RawMessage, error) {
	var out json.RawMessage
	for _, piece := range v.extra {
		if piece.fragment == nil {
			out = append(out, piece.raw...)
			continue
		}
		s, err := p.run(piece.fragment, data)
		if err != nil {
			return nil, err
		}
		quoted, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		if out = append(out, quoted...); len(out) > p.set.o.MaxOutput {
			return nil, piece.fault(errRoom, p)
		}
	}
	return out, nil
}

// withoutBreak drops a final line break, which editors add to every file.
func withoutBreak(s string) string {
	if t, ok := strings.CutSuffix(s, "\n"); ok {
		return strings.TrimSuffix(t, "\r")
	}
	return s
}
