package notify

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/e7ddda3c/notify/channel"
)

// check finds the faults of m that refuse it whole and need nobody to be asked.
func (p *planner) check(m *Message) error {
	for _, step := range [...]func(*Message) error{p.checkStore, checkWords, p.checkContent, p.checkNames, checkRecipients, p.checkReach} {
		if err := step(m); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) checkStore(m *Message) error {
	switch {
	case p.stored:
		return checkStorable(m)
	case m.Key != "":
		return fault("key", ErrNeedsStore)
	case !m.SendAt.IsZero():
		return fault("send_at", ErrNeedsStore)
	}
	return nil
}

func checkWords(m *Message) error {
	switch m.Class {
	case "", OTP, Transactional, Notice, Marketing:
	default:
		return fault("class", fmt.Errorf("%q is not otp, transactional, notice or marketing", m.Class))
	}
	if err := checkLocale(m.Locale); err != nil {
		return fault("locale", err)
	}
	if m.Key == "" { // else it may be a repetition; see accept
		return checkExpiry(m)
	}
	return nil
}

// checkExpiry finds that m expires before it can go out.
func checkExpiry(m *Message) error {
	switch {
	case m.ExpireAt.IsZero():
		return nil
	case !time.Now().Before(m.ExpireAt):
		return fault("expire_at", errors.New("has passed"))
	case !m.SendAt.Before(m.ExpireAt):
		return fault("expire_at", errors.New("is not after send_at"))
	}
	return nil
}

func (p *planner) checkContent(m *Message) error {
	switch {
	case m.Template != "" && !m.Content.IsZero():
		return fault("content", errors.New("stands beside a template; give one of them"))
	case m.Template != "" && p.templates == nil:
		return fault("template", errors.New("the notifier has no templates"))
	case m.Template == "" && m.Data != nil:
		return fault("data", errors.New("stands without a template"))
	case m.Template == "" && m.Content.IsZero() && len(m.Extra) == 0 && len(m.Attachments) == 0:
		return fault("content", errors.New("nothing to say: neither content nor template"))
	}
	return nil
}

func (p *planner) checkNames(m *Message) error {
	if p.dispatchers[cmp.Or(m.Dispatcher, "all")] == nil {
		return fault("dispatcher", fmt.Errorf("no dispatcher %q", m.Dispatcher))
	}
	for i, name := range m.Channels {
		if p.media[name] == nil {
			return fault(at("channels", i, ""), fmt.Errorf("no channel %q", name))
		}
		if slices.Contains(m.Channels[:i], name) {
			return fault(at("channels", i, ""), fmt.Errorf("%q is repeated", name))
		}
	}
	for name := range m.Extra {
		if p.media[name] == nil {
			return fault("extra."+name, errors.New("no such channel"))
		}
	}
	return nil
}

func checkRecipients(m *Message) error {
	seen := repeats{}
	for i := range m.To {
		r := &m.To[i]
		if r.ID == "" && len(r.Addresses) == 0 {
			return fault(at("to", i, ""), errors.New("has neither id nor addresses"))
		}
		if len(m.To) > 1 {
			if field := seen.find(r); field != "" {
				return fault(at("to", i, field), errors.New("is repeated"))
			}
		}
		if field, err := checkRecipient(r); err != nil {
			return fault(at("to", i, field), err)
		}
	}
	return nil
}

// repeats remembers the recipients of a message: by ID, and without one by where they are reached.
type repeats map[[2]string]bool

// find returns the field of r that an earlier recipient had too, or "".
func (s repeats) find(r *Recipient) (field string) {
	if r.ID != "" {
		pair := [2]string{"", r.ID}
		if s[pair] {
			return ".id"
		}
		s[pair] = true
		return ""
	}
	for key, addresses := range r.Addresses {
		for i, a := range addresses {
			pair := [2]string{key, a}
			if s[pair] && !slices.Contains(addresses[:i], a) {
				return ".addresses." + key
			}
			s[pair] = true
		}
	}
	return ""
}

// checkRecipient checks what a template will need of r.
func checkRecipient(r *Recipient) (field string, err error) {
	if err := checkLocale(r.Locale); err != nil {
		return ".locale", err
	}
	if r.TimeZone != "" {
		_, err := time.LoadLocation(r.TimeZone)
		if err != nil || r.TimeZone == "Local" || !fs.ValidPath(r.TimeZone) {
			return ".time_zone", errors.New("no such time zone")
		}
	}
	return "", nil
}

// checkReach finds out whether there is somebody to tell, and over which channels.
func (p *planner) checkReach(m *Message) error {
	groups := 0
	for _, name := range m.Channels {
		if p.media[name].kind == channel.None {
			groups++
		}
	}
	if len(m.To) == 0 && (len(m.Channels) == 0 || groups < len(m.Channels)) {
		return fault("to", errors.New("nobody to tell"))
	}
	if _, isAll := p.dispatchers[cmp.Or(m.Dispatcher, "all")].(all); !isAll && len(m.To) > 1 && groups > 0 {
		return fault("dispatcher", errors.New(`a group channel for several recipients goes with "all" only`))
	}
	if len(m.Channels) > 0 {
		return nil
	}
	for i := range m.To {
		if len(m.To[i].Addresses) == 0 {
			return fault("channels", fmt.Errorf("none given, and to[%d] has no addresses to choose by", i))
		}
		for _, name := range namesOf(m.To[i].Addresses) {
			if via := p.media[name]; via == nil || !via.takes(name) {
				return fault("channels", fmt.Errorf("none given, and to[%d].addresses names no channel that has addresses with %q", i, name))
			}
		}
	}
	return nil
}

// at writes the path of a list's element.
func at(list string, i int, rest string) string { return list + "[" + strconv.Itoa(i) + "]" + rest }

// checkLocale knows the outline of BCP 47: a language of two to eight letters, then subtags of one to eight letters and digits. '_'
// is read as '-'.
func checkLocale(l string) error {
	if l == "" {
		return nil
	}
	language, rest, more := strings.Cut(strings.ReplaceAll(l, "_", "-"), "-")
	ok := len(language) >= 2 && len(language) <= 8 && consistsOf(language, letters)
	for ok && more {
		var tag string
		tag, rest, more = strings.Cut(rest, "-")
		ok = len(tag) >= 1 && len(tag) <= 8 && consistsOf(tag, letters+digits)
	}
	if !ok {
		return errors.New("is not a BCP 47 language tag, such as zh-Hans-CN")
	}
	return nil
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

func consistsOf(s, characters string) bool { return strings.Trim(s, characters) == "" }

// longestWord is how many bytes a word may have that databases look things up by.
const longestWord = 255

// checkStorable finds what a database would refuse, or would keep as something else.
func checkStorable(m *Message) error {
	words := []struct{ field, word string }{{"key", m.Key}, {"tenant", m.Tenant}, {"category", m.Category}, {"template", m.Template}}
	for i, r := range m.To {
		words = append(words, struct{ field, word string }{at("to", i, ".id"), r.ID})
	}
	for _, w := range words {
		if err := checkWord(w.word); err != nil {
			return fault(w.field, err)
		}
	}
	if err := checkTexts(m); err != nil {
		return err
	}
	return checkTimes(m)
}

func checkWord(w string) error {
	switch {
	case len(w) > longestWord:
		return fmt.Errorf("is longer than %d bytes", longestWord)
	case !isText(w) || strings.Contains(w, "\x00"):
		return errNoWord
	}
	return nil
}

var (
	errNoText   = errors.New("must be valid UTF-8")
	errNoWord   = errors.New("must be valid UTF-8 without NUL")
	errLongWord = fmt.Errorf("%w, and not so long", errNoWord)
)

// isText reports whether s stays as it is in JSON, where a NUL does no harm.
func isText(s string) bool { return utf8.ValidString(s) }

// checkTexts finds what JSON would change.
func checkTexts(m *Message) error {
	if field := badText(&m.Content); field != "" {
		return fault("content."+field, errNoText)
	}
	for i, a := range m.Attachments {
		if !isText(a.Name) || !isText(a.Type) || !isText(a.ContentID) {
			return fault(at("attachments", i, ""), errNoText)
		}
	}
	return nil
}

// badText names the field of c that is no text, or returns "".
func badText(c *Content) (field string) {
	for _, f := range [...]struct{ field, text string }{
		{"title", c.Title}, {"text", c.Text}, {"html", c.HTML}, {"markdown", c.Markdown}, {"url", c.URL},
	} {
		if !isText(f.text) {
			return f.field
		}
	}
	if c.Approved == nil {
		return ""
	}
	ok := isText(c.Approved.Name)
	for _, p := range c.Approved.Params {
		ok = ok && isText(p.Name) && isText(p.Value)
	}
	if !ok {
		return "approved"
	}
	return ""
}

// checkTimes finds times that have no JSON.
func checkTimes(m *Message) error {
	for _, t := range [...]struct {
		field string
		time  time.Time
	}{{"send_at", m.SendAt}, {"expire_at", m.ExpireAt}} {
		if year := t.time.UTC().Year(); year < 1 || year > 9998 {
			return fault(t.field, errors.New("is not between the years 1 and 9998"))
		}
	}
	return nil
}
