package template

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// A slot is what a variant is for.
type slot struct{ channel, locale string }

func (s slot) compare(t slot) int {
	return cmp.Or(cmp.Compare(s.channel, t.channel), cmp.Compare(s.locale, t.locale))
}

// channels are the variants of one key: for each channel, and for all others.
type channels struct {
	of   map[string]*locales
	rest locales
}

// locales are the variants of one channel: for each locale, in lower case, and for all others.
type locales struct {
	of   map[string]*variant
	rest *variant
}

func (c *channels) add(at slot, v *variant) {
	l := &c.rest
	if at.channel != "default" {
		if c.of[at.channel] == nil {
			c.of[at.channel] = &locales{}
		}
		l = c.of[at.channel]
	}
	switch {
	case at.locale == "":
		l.rest = v
	case l.of == nil:
		l.of = map[string]*variant{at.locale: v}
	default:
		l.of[at.locale] = v
	}
}

// lookup finds the variant, under the channel's name if it can be.
func (c *channels) lookup(channel, locale string) *variant {
	if l := c.of[channel]; l != nil {
		if v := l.lookup(locale); v != nil {
			return v
		}
	}
	return c.rest.lookup(locale)
}

// lookup drops subtags from the end until something fits, as in RFC 4647, section 3.4.
func (l *locales) lookup(locale string) *variant {
	if len(l.of) > 0 {
		for tag := canonical(locale); tag != ""; tag = parent(tag) {
			if v := l.of[tag]; v != nil {
				return v
			}
		}
	}
	return l.rest
}

// all returns every variant, in order.
func (c *channels) all() []*variant {
	all := c.rest.all()
	for _, channel := range slices.Sorted(maps.Keys(c.of)) {
		all = append(all, c.of[channel].all()...)
	}
	return all
}

func (l *locales) all() (all []*variant) {
	if l.rest != nil {
		all = append(all, l.rest)
	}
	for _, tag := range slices.Sorted(maps.Keys(l.of)) {
		all = append(all, l.of[tag])
	}
	return all
}

// canonical is how a locale is looked up: in lower case, with "-". One that is longer than any real one counts as none.
func canonical(locale string) string {
	if len(locale) > 64 {
		return ""
	}
	for _, c := range []byte(locale) {
		if c == '_' || c >= 'A' && c <= 'Z' {
			return strings.ToLower(strings.ReplaceAll(locale, "_", "-"))
		}
	}
	return locale
}

// parent drops the last subtag of a locale.
func parent(locale string) string { return locale[:max(strings.LastIndexByte(locale, '-'), 0)] }

// isLocale reports whether s could be a BCP 47 tag of a language: two or three letters, then subtags of up to eight letters and
// digits, of which the last is not alone. It has to be so for lookup, which is told by RFC 4647 to stop at no single letter.
func isLocale(s string) bool {
	tags := strings.Split(canonical(s), "-")
	for _, tag := range tags {
		if strings.Trim(tag, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || len(tag) < 1 || len(tag) > 8 {
			return false
		}
	}
	language, last := tags[0], tags[len(tags)-1]
	return (len(language) == 2 || len(language) == 3) && !strings.ContainsAny(language, "0123456789") && len(last) > 1
}
