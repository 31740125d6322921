package template

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
)

var _ Renderer = (*Set)(nil)

// Options configures a [Set]. A nil *Options means all defaults.
type Options struct {
	// Funcs are functions of the host's, for localised dates and the like: as in text/template, with one result, or a result
	// and an error. They go before functions of the same name that the Set or text/template brings. They may be called by many
	// goroutines at once, and again for the same rendering. An error of theirs fails the delivery; its text is kept out of the
	// Set's error, since it may hold data, but [errors.Is] and [errors.As] find it.
	Funcs map[string]any
	// MaxOutput is how many bytes one rendering may have, all its parts together. Defaults to 1 MiB.
	MaxOutput int
}

// A Set renders the template files of a file system. They are read and parsed once, by [New]. A Set may be used by many goroutines
// at once, and does not ask for the tenant.
//
// The files of the template with the key "order.shipped" are
//
//	order.shipped/email.title.tmpl        what the channel "email" sends: title, text, html, markdown and url
//	order.shipped/email.html.tmpl
//	order.shipped/email.zh.title.tmpl     the same for Chinese
//	order.shipped/sms.approved.json       the name and parameters of an approved text
//	order.shipped/dingtalk.extra.json     the driver's own settings
//	order.shipped/default.text.tmpl       what every other channel sends
//	order.shipped/_footer.tmpl            a partial: {{template "footer" .}}
//	_header.tmpl                          a partial for all keys
//
// One variant serves a delivery whole: that of the channel with the longest prefix of the locale, else the same of "default".
// Parts of two variants never mix. Locales are compared without case, and "_" is read as "-".
//
// Templates see the data's JSON: fields go by their JSON names, and no methods are reachable. A missing field is an error, and so is
// printing null, an object or a list. HTML parts are escaped as in html/template, the strings of a JSON file are rendered one by one;
// no other part is escaped. The line break that ends a file is not part of it.
type Set struct {
	o         Options
	templates map[string]*channels // by key
	zones     sync.Map             // name → *time.Location
}

// New reads the templates of fsys: folders named for keys, with the files described at [Set], and partials. Names that start with a
// dot are left out; anything else that does not fit is an error, and all of them are told at once, by file and line.
//
// Partials need go:embed's "all:" prefix, as in //go:embed all:templates, because go:embed leaves out names that start with "_".
func New(fsys fs.FS, o *Options) (*Set, error) {
	s := &Set{}
	if o != nil {
		s.o = Options{Funcs: maps.Clone(o.Funcs), MaxOutput: o.MaxOutput}
	}
	if s.o.MaxOutput <= 0 {
		s.o.MaxOutput = 1 << 20
	}
	if err := s.load(fsys); err != nil {
		return nil, err
	}
	return s, nil
}

// Must returns s, or panics if err is not nil: it is for templates that are built into the program.
func Must(s *Set, err error) *Set {
	if err != nil {
		panic(err)
	}
	return s
}

// Keys returns the keys of all templates, sorted, so that a test can check each of them.
func (s *Set) Keys() []string { return slices.Sorted(maps.Keys(s.templates)) }

// Render renders the variant for r's channel and locale. Its error wraps [ErrNoTemplate], ctx's error, or a [*channel.Error] of kind
// Rejected. That one names the file and line and, as its Field, the data that is at fault ("data.order.id", "recipient.name") or
// "template". No value of the data is in it.
func (s *Set) Render(ctx context.Context, r Request) (out Rendered, err error) {
	t, ok := s.templates[r.Key]
	if !ok {
		return out, fmt.Errorf("%w: %q", ErrNoTemplate, r.Key)
	}
	v := t.lookup(r.Channel, r.Locale)
	if v == nil {
		return out, rejected("template", fmt.Sprintf("no variant of %q for channel %q and locale %q", r.Key, r.Channel, r.Locale), ErrNoVariant)
	}
	if err := s.render(ctx, &out, v, &r); err != nil {
		return Rendered{}, err
	}
	return out, nil
}

func (s *Set) render(ctx context.Context, out *Rendered, v *variant, r *Request) (err error) {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("template: %w", err)
	}
	p := v.take()
	if p == nil {
		p = newProgram(s, v)
	}
	defer func() {
		if e := recover(); e != nil { // nothing of e is told: it may hold data
			err = rejected("template", v.name+": a panic inside text/template", nil)
			return
		}
		v.put(p)
	}()
	p.begin(ctx, r)
	if err = v.render(out, p, r.Data); err != nil && errors.Is(err, errStopped) {
		return fmt.Errorf("template: %w", ctx.Err())
	}
	return err
}

// Check renders every variant of key with the JSON of sample as its data, for each of the recipients' JSON (without any, for a null
// recipient) in UTC, and joins the errors. It is meant for go test, so that no template breaks first when it is sent.
func (s *Set) Check(key string, sample any, recipients ...any) error {
	t, ok := s.templates[key]
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoTemplate, key)
	}
	data, err := Decode(sample)
	if err != nil {
		return fmt.Errorf("template: the sample: %w", err)
	}
	if len(recipients) == 0 {
		recipients = []any{nil}
	}
	var errs []error
	for _, to := range recipients {
		recipient, err := Decode(to)
		if err != nil {
			return fmt.Errorf("template: the recipient: %w", err)
		}
		for _, v := range t.all() {
			errs = append(errs, s.render(context.Background(), new(Rendered), v, &Request{Data: data, Recipient: recipient}))
		}
	}
	return errors.Join(errs...)
}
