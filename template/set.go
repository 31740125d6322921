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
	// Funcs adds functions of the host, for example to localize dates. As in text/template, a function returns one result, or
	// one result and an error. It hides a function of the same name of the Set or of text/template. Functions must be safe for
	// concurrent use, and may be called more than once for the same rendering. No deadline interrupts them.
	//
	// An error from a function fails the delivery. [errors.Is] and [errors.As] find the error, but its text is left out, because
	// it may contain data.
	Funcs map[string]any
	// MaxOutput is the maximum size of one rendering in bytes, over all its parts. The default is 1 MiB.
	MaxOutput int
}

// A Set renders the template files of a file system. [New] reads and parses them once. A Set is safe for concurrent use. All tenants
// share the same templates.
//
// The files of the template with the key "order.shipped" are
//
//	order.shipped/email.title.tmpl        a part for the channel "email"; parts are title, text, html, markdown and url
//	order.shipped/email.html.tmpl
//	order.shipped/email.zh.title.tmpl     a part for "email" in Chinese
//	order.shipped/sms.approved.json       the name and parameters of an approved text
//	order.shipped/dingtalk.extra.json     the driver's own settings
//	order.shipped/default.text.tmpl       a part for all other channels
//	order.shipped/_footer.tmpl            a partial, called as {{template "footer" .}}
//	_header.tmpl                          a partial for all keys
//
// The files of a key for one channel and one locale form a variant. One variant renders the whole delivery; the parts of several
// variants are never mixed. Render picks the variant of the channel whose locale is the longest prefix of the requested one. A variant
// without a locale always fits. If the channel has no variant that fits, Render searches those of "default" in the same way. Locales
// are case-insensitive, and "_" means "-".
//
// Templates see the JSON of the data: fields have their JSON names, and methods cannot be called. A missing field is an error, and so
// is printing null, an object or a list. HTML parts are escaped by html/template. In a JSON file, each string is rendered by itself.
// Other parts are not escaped. The final line break of a file is dropped.
type Set struct {
	o         Options
	templates map[string]*channels // by key
	zones     sync.Map             // name → *time.Location
}

// New reads the templates of fsys: a folder for each key, with the files described at [Set], and the partials of all keys. Names that
// start with a dot are ignored. Any other unexpected name is an error. New reports all errors at once, with file and line.
//
// To embed partials, use the "all:" prefix, as in //go:embed all:templates: otherwise go:embed skips names that start with "_".
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

// Must returns s, or panics if err is not nil. It is meant for templates that are embedded in the program.
func Must(s *Set, err error) *Set {
	if err != nil {
		panic(err)
	}
	return s
}

// Keys returns the keys of all templates, sorted. A test can pass each of them to [Set.Check].
func (s *Set) Keys() []string { return slices.Sorted(maps.Keys(s.templates)) }

// Render renders the variant for r's channel and locale. Its error wraps [ErrNoTemplate], ctx's error, or a [*channel.Error] of kind
// Rejected.
//
// A Rejected error wraps [ErrNoVariant], or names the file and the line of the fault. Its Field is the path of the data at fault, such
// as "data.order.id" or "recipient.name", or otherwise "template". It contains no value from the data.
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
		if e := recover(); e != nil { // e is not reported, because it may contain data
			err = rejected("template", v.name+": panic in text/template", nil)
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

// Check renders every variant of key and joins the errors. The data is the JSON of sample, and the recipient is the JSON of each of
// recipients in turn, or null if there are none. The time zone is UTC. Check is meant for tests, to find errors before the first send.
func (s *Set) Check(key string, sample any, recipients ...any) error {
	t, ok := s.templates[key]
	if !ok {
		return fmt.Errorf("%w: %q", ErrNoTemplate, key)
	}
	data, err := Decode(sample)
	if err != nil {
		return fmt.Errorf("template: sample: %w", err)
	}
	if len(recipients) == 0 {
		recipients = []any{nil}
	}
	var errs []error
	for _, to := range recipients {
		recipient, err := Decode(to)
		if err != nil {
			return fmt.Errorf("template: recipient: %w", err)
		}
		for _, v := range t.all() {
			errs = append(errs, s.render(context.Background(), new(Rendered), v, &Request{Data: data, Recipient: recipient}))
		}
	}
	return errors.Join(errs...)
}
