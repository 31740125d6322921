package notify

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/template"
)

// check finds the faults of m that refuse the whole message and that need no call of the directory or a driver.
func (p *planner) check(m *Message) error {
	err := p.checkStore(m)
	if err == nil {
		err = checkWords(m)
	}
	if err == nil {
		err = p.checkContent(m)
	}
	if err == nil {
		err = p.checkNames(m)
	}
	if err == nil {
		err = checkRecipients(m)
	}
	if err == nil {
		err = p.checkReach(m)
	}
	return err
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
	if m.Class != "" && !slices.Contains(classes[:], string(m.Class)) {
		return fault("class", errClass)
	}
	if err := checkLocale(m.Locale); err != nil {
		return fault("locale", err)
	}
	if m.Key == "" { // with a Key, m may be a repeated message; see accept
		return checkExpiry(m)
	}
	return nil
}

// checkExpiry refuses a message that expires before it can go out.
func checkExpiry(m *Message) error {
	switch {
	case m.ExpireAt.IsZero():
		return nil
	case !time.Now().Before(m.ExpireAt):
		return fault("expire_at", errors.New("must be in the future"))
	case !m.SendAt.Before(m.ExpireAt):
		return fault("expire_at", errors.New("must be after send_at"))
	}
	return nil
}

func (p *planner) checkContent(m *Message) error {
	switch {
	case m.Template != "" && !m.Content.IsZero():
		return fault("content", errors.New("content and template are mutually exclusive"))
	case m.Template != "" && p.templates == nil:
		return fault("template", errors.New("requires Config.Templates"))
	case m.Template == "" && m.Data != nil:
		return fault("data", errors.New("requires a template"))
	case m.Template == "" && m.Content.IsZero() && len(m.Extra) == 0 && len(m.Attachments) == 0:
		return fault("content", errors.New("is required without a template"))
	}
	return nil
}

func (p *planner) checkNames(m *Message) error {
	if p.dispatchers[cmp.Or(m.Dispatcher, "all")] == nil {
		return fault("dispatcher", unknown("dispatcher", m.Dispatcher))
	}
	for i, name := range m.Channels {
		if p.media[name] == nil {
			return fault(at("channels", i, ""), unknown("channel", name))
		}
		if slices.Contains(m.Channels[:i], name) {
			return fault(at("channels", i, ""), fmt.Errorf("must not contain %q twice", name))
		}
	}
	for name := range m.Extra {
		if p.media[name] == nil {
			return fault("extra."+name, unknown("channel", name))
		}
	}
	return nil
}

func checkRecipients(m *Message) error {
	seen := repeats{}
	for i := range m.To {
		r := &m.To[i]
		if r.ID == "" && len(r.Addresses) == 0 {
			return fault(at("to", i, ""), errors.New("id or addresses are required"))
		}
		if len(m.To) > 1 {
			if field := seen.find(r); field != "" {
				return fault(at("to", i, field), errors.New("must be distinct from that of other recipients"))
			}
		}
		if field, err := checkRecipient(r); err != nil {
			return fault(at("to", i, field), err)
		}
	}
	return nil
}

// repeats holds the recipients of a message by ID, or by their addresses if they have no ID.
type repeats map[[2]string]bool

// find returns the field of r that an earlier recipient has as well, or "".
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

// checkRecipient checks the parts of r that templates need.
func checkRecipient(r *Recipient) (field string, err error) {
	if err := checkLocale(r.Locale); err != nil {
		return ".locale", err
	}
	if r.TimeZone != "" {
		_, err := time.LoadLocation(r.TimeZone)
		if err != nil || r.TimeZone == "Local" || !fs.ValidPath(r.TimeZone) {
			return ".time_zone", errors.New("must be an IANA time zone")
		}
	}
	return "", nil
}

// checkReach checks that m has recipients, and channels for them.
func (p *planner) checkReach(m *Message) error {
	groups := 0
	for _, name := range m.Channels {
		if p.media[name].kind == channel.None {
			groups++
		}
	}
	if len(m.To) == 0 && (len(m.Channels) == 0 || groups < len(m.Channels)) {
		return fault("to", errRequired)
	}
	if _, isAll := p.dispatchers[cmp.Or(m.Dispatcher, "all")].(all); !isAll && len(m.To) > 1 && groups > 0 {
		return fault("dispatcher", errors.New(`must be "all" if several recipients share a group channel`))
	}
	if len(m.Channels) > 0 {
		return nil
	}
	for i := range m.To {
		if len(m.To[i].Addresses) == 0 {
			return fault("channels", fmt.Errorf("are required, because to[%d] has no addresses", i))
		}
		for _, name := range namesOf(m.To[i].Addresses) {
			if via := p.media[name]; via == nil || !via.takes(name) {
				return fault("channels", fmt.Errorf("are required, because %q in to[%d].addresses is not the name of a channel with addresses", name, i))
			}
		}
	}
	return nil
}

// at returns the path of an element of a list.
func at(list string, i int, rest string) string { return list + "[" + strconv.Itoa(i) + "]" + rest }

func checkLocale(l string) error {
	if l != "" && !template.IsLocale(l) {
		return errors.New("must be a BCP 47 language tag, such as zh-Hans-CN")
	}
	return nil
}

// checkStorable refuses texts and times that a database, or JSON, would refuse or change.
func checkStorable(m *Message) error {
	words := []word{{"key", m.Key}, {"tenant", m.Tenant}, {"category", m.Category}, {"template", m.Template}}
	for i, r := range m.To {
		words = append(words, word{at("to", i, ".id"), r.ID})
	}
	if err := checkFields(words...); err != nil {
		return err
	}
	if field := badText(&m.Content); field != "" {
		return fault("content."+field, errNoText)
	}
	for i, a := range m.Attachments {
		if !utf8.ValidString(a.Name) || !utf8.ValidString(a.Type) || !utf8.ValidString(a.ContentID) {
			return fault(at("attachments", i, ""), errNoText)
		}
	}
	for _, t := range [...]struct {
		field string
		time  time.Time
	}{{"send_at", m.SendAt}, {"expire_at", m.ExpireAt}} {
		if year := t.time.UTC().Year(); year < 1 || year > 9998 {
			return fault(t.field, errors.New("must be between the years 1 and 9998"))
		}
	}
	return nil
}

// A word is a text field that databases search by.
type word struct{ field, text string }

func checkFields(words ...word) error {
	for _, w := range words {
		if err := store.CheckWord(w.text); err != nil {
			return fault(w.field, err)
		}
	}
	return nil
}

var (
	errNoText = errors.New("must be valid UTF-8")
	errClass  = errors.New("must be otp, transactional, notice or marketing")
	errUnfit  = errors.New("must be valid UTF-8 without NUL, of at most 1000 bytes") // see store.Clean
)

// badText returns the name of a field of c that is not valid UTF-8, or "". A NUL is allowed, since JSON escapes it.
func badText(c *Content) (field string) {
	for _, f := range [...]word{{"title", c.Title}, {"text", c.Text}, {"html", c.HTML}, {"markdown", c.Markdown}, {"url", c.URL}} {
		if !utf8.ValidString(f.text) {
			return f.field
		}
	}
	if c.Approved == nil {
		return ""
	}
	ok := utf8.ValidString(c.Approved.Name)
	for _, p := range c.Approved.Params {
		ok = ok && utf8.ValidString(p.Name) && utf8.ValidString(p.Value)
	}
	if !ok {
		return "approved"
	}
	return ""
}
