package notify

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// check finds the faults of m that refuse it whole and need nobody to be asked.
func (n *Notifier) check(m *Message) error {
	err := n.checkStore(m)
	if err == nil {
		err = checkWords(m)
	}
	if err == nil {
		err = n.checkContent(m)
	}
	if err == nil {
		err = n.checkNames(m)
	}
	if err == nil {
		err = checkRecipients(m)
	}
	if err == nil {
		err = n.checkReach(m)
	}
	return err
}

func (n *Notifier) checkStore(m *Message) error {
	switch {
	case n.store != nil:
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

func (n *Notifier) checkContent(m *Message) error {
	switch {
	case m.Template != "" && !m.Content.IsZero():
		return fault("content", errors.New("stands beside a template; give one of them"))
	case m.Template != "" && n.templates == nil:
		return fault("template", errors.New("the notifier has no templates"))
	case m.Template == "" && m.Data != nil:
		return fault("data", errors.New("stands without a template"))
	case m.Template == "" && m.Content.IsZero() && len(m.Extra) == 0 && len(m.Attachments) == 0:
		return fault("content", errors.New("nothing to say: neither content nor template"))
	}
	return nil
}

func (n *Notifier) checkNames(m *Message) error {
	if n.dispatchers[m.Dispatcher] == nil {
		return fault("dispatcher", fmt.Errorf("no dispatcher %q", m.Dispatcher))
	}
	for i, name := range m.Channels {
		if n.gates[name] == nil {
			return fault(at("channels", i, ""), fmt.Errorf("no channel %q", name))
		}
		if slices.Contains(m.Channels[:i], name) {
			return fault(at("channels", i, ""), fmt.Errorf("%q is repeated", name))
		}
	}
	for name := range m.Extra {
		if n.gates[name] == nil {
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
func (n *Notifier) checkReach(m *Message) error {
	groups := 0
	for _, name := range m.Channels {
		if n.gates[name].kind == channel.None {
			groups++
		}
	}
	if len(m.To) == 0 && (len(m.Channels) == 0 || groups < len(m.Channels)) {
		return fault("to", errors.New("nobody to tell"))
	}
	if _, isAll := n.dispatchers[m.Dispatcher].(all); !isAll && len(m.To) > 1 && groups > 0 {
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
			if g := n.gates[name]; g == nil || !g.takes(name) {
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
	ok := len(language) >= 2 && len(language) <= 8 && consistsOf(language, letter)
	for ok && more {
		var tag string
		tag, rest, more = strings.Cut(rest, "-")
		ok = len(tag) >= 1 && len(tag) <= 8 && consistsOf(tag, func(c byte) bool { return letter(c) || digit(c) })
	}
	if !ok {
		return errors.New("is not a BCP 47 language tag, such as zh-Hans-CN")
	}
	return nil
}

func consistsOf(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }
