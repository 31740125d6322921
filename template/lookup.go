package template

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// A slot is the channel and locale of a variant.
type slot struct{ channel, locale string }

func (s slot) compare(t slot) int {
	return cmp.Or(cmp.Compare(s.channel, t.channel), cmp.Compare(s.locale, t.locale))
}

// channels are the variants of one key, by channel. rest holds those of "default", for all other channels.
type channels struct {
	of   map[string]*locales
	rest locales
}

// locales are the variants of one channel, by canonical locale. rest is the one for all other locales, or nil.
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

// lookup returns the variant for channel and locale, or nil. A variant of the channel itself comes before those of "default".
func (c *channels) lookup(channel, locale string) *variant {
	if l := c.of[channel]; l != nil {
		if v := l.lookup(locale); v != nil {
			return v
		}
	}
	return c.rest.lookup(locale)
}

// lookup drops subtags from the end of locale until a variant fits, as in RFC 4647, section 3.4. If none fits, lookup returns l.rest.
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

// all returns all variants, sorted by slot.
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

// canonical returns a locale in the form used for lookup: in lower case, with "-". A locale of more than 64 bytes becomes "", since no
// real one is as long.
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

// parent returns a locale without the last subtag.
func parent(locale string) string { return locale[:max(strings.LastIndexByte(locale, '-'), 0)] }

// IsLocale reports whether s has the form of a BCP 47 language tag, such as zh-Hans-CN: two or three letters, then subtags of up to eight
// letters and digits. The last subtag must have at least two characters, because RFC 4647 does not let a lookup stop at a shorter one. Case
// does not matter, and "_" counts as "-".
func IsLocale(s string) bool {
	tags := strings.Split(canonical(s), "-")
	for _, tag := range tags {
		if strings.Trim(tag, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || len(tag) < 1 || len(tag) > 8 {
			return false
		}
	}
	language, last := tags[0], tags[len(tags)-1]
	return (len(language) == 2 || len(language) == 3) && !strings.ContainsAny(language, "0123456789") && len(last) > 1
}
