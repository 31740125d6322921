package notify

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

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
	errNoText = errors.New("is not valid UTF-8")
	errNoWord = errors.New("is not valid UTF-8, or has a NUL")
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
