package email

import (
	"cmp"
	"crypto/rand"
	"fmt"
	netmail "net/mail"
	"net/url"
	"strings"
	"time"
	"unicode"

	mail "github.com/wneessen/go-mail"

	"github.com/e7ddda3c/notify/channel"
)

// A letter is a delivery in the form of a mail.
type letter struct {
	to, replyTo *netmail.Address // replyTo: nil for none
	extra       Extra
	text, html  string
	size        int // about, encoded
	msg         *mail.Msg
}

// read checks d and takes from it what a mail needs.
func (c *Channel) read(d channel.Delivery) (*letter, error) {
	l := &letter{text: plain(d.Content), html: d.Content.HTML}
	var err error
	if l.to, err = mailbox(d.To); err != nil {
		return nil, err
	}
	if err := checkContent(d, l); err != nil {
		return nil, err
	}
	if l.extra, err = channel.Decode[Extra](d.Extra); err != nil {
		return nil, fmt.Errorf("email: %w", err)
	}
	if err := l.extra.check(); err != nil {
		return nil, err
	}
	if l.replyTo, err = l.extra.replyTo(c.replyTo); err != nil {
		return nil, err
	}
	return l, l.weigh(d, c.o.MaxSize)
}

// mailbox parses an address that is nothing but an address: no name, no comment, no quotes.
func mailbox(s string) (*netmail.Address, error) {
	a, err := netmail.ParseAddress(s)
	odd := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	if err != nil || a.Address != s || len(s) > 254 || strings.ContainsFunc(s, odd) {
		return nil, fail(channel.InvalidRecipient, "to", "not one bare mailbox, user@host")
	}
	return a, nil
}

func checkContent(d channel.Delivery, l *letter) error {
	if d.Content.Title == "" && l.text == "" && l.html == "" && len(d.Attachments) == 0 {
		return fail(channel.Rejected, "content", "nothing that a mail can carry")
	}
	if fault := lineFault(d.Content.Title); fault != "" {
		return fail(channel.Rejected, "content.title", "%s", fault)
	}
	if !token(d.ID, 128) || strings.Contains(d.ID, "@") {
		return fail(channel.Rejected, "id", "cannot be part of a Message-ID")
	}
	for i, a := range d.Attachments {
		if err := checkAttachment(a, fmt.Sprintf("attachments[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

// weigh finds the size of l and what makes it too large.
func (l *letter) weigh(d channel.Delivery, most int) error {
	tooLarge := func(field string) error {
		return fail(channel.Rejected, field, "makes the mail larger than %d bytes", most)
	}
	l.size = 2048 + wordsSize(d.Content.Title)
	if l.size > most {
		return tooLarge("content.title")
	}
	for name, value := range l.extra.Headers {
		l.size += len(name) + wordsSize(value)
	}
	if l.size > most {
		return tooLarge("extra.headers")
	}
	if l.size += quotedSize(l.text); l.size > most {
		return tooLarge(plainField(d.Content))
	}
	if l.size += quotedSize(l.html); l.size > most {
		return tooLarge("content.html")
	}
	for i, a := range d.Attachments {
		if l.size += base64Size(len(a.Data)); l.size > most {
			return tooLarge(fmt.Sprintf("attachments[%d]", i))
		}
	}
	return nil
}

// plain returns the content for those who read no HTML.
func plain(c channel.Content) string {
	text := cmp.Or(c.Text, c.Markdown)
	switch {
	case c.URL == "" || strings.Contains(text, c.URL):
		return text
	case text == "":
		return c.URL
	default:
		return strings.TrimRight(text, "\n") + "\n\n" + c.URL + "\n"
	}
}

// plainField names the field that plain takes its text from.
func plainField(c channel.Content) string {
	switch {
	case c.Text != "":
		return "content.text"
	case c.Markdown != "":
		return "content.markdown"
	default:
		return "content.url"
	}
}

// write makes a mail of d.
func (c *Channel) write(d channel.Delivery, now time.Time) (*letter, error) {
	if c.fault != nil {
		return nil, c.fault
	}
	l, err := c.read(d)
	if err != nil {
		return nil, err
	}
	l.msg = mail.NewMsg(mail.WithNoDefaultUserAgent())
	c.head(d, l, now)
	l.extra.write(l.msg)
	l.fill(d)
	if err := c.unsubscribe(d, l.msg); err != nil {
		return nil, err
	}
	if c.signer != nil {
		return l, c.signer.sign(l.msg, now)
	}
	return l, nil
}

func (c *Channel) head(d channel.Delivery, l *letter, now time.Time) {
	m := l.msg
	m.FromMailAddress(c.from)
	m.ToMailAddress(l.to)
	if l.replyTo != nil {
		m.ReplyToMailAddress(l.replyTo)
	}
	if title := oneSpace(d.Content.Title); title != "" {
		m.Subject(title)
	}
	m.SetMessageIDWithValue(cmp.Or(d.ID, rand.Text()) + "@" + domainOf(c.from))
	m.SetDateWithValue(now)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
}

// fill writes the parts. A mail without any text has an empty one, for a file alone is no mail to some readers.
func (l *letter) fill(d channel.Delivery) {
	if l.text != "" || l.html == "" {
		l.msg.SetBodyString(mail.TypeTextPlain, l.text)
	}
	if l.html != "" {
		l.msg.AddAlternativeString(mail.TypeTextHTML, l.html)
	}
	for _, a := range d.Attachments {
		attach(l.msg, a, l.html != "")
	}
}

// unsubscribe adds the headers of RFC 8058, if the host has a URL for d.
func (c *Channel) unsubscribe(d channel.Delivery, m *mail.Msg) error {
	if c.o.Unsubscribe == nil {
		return nil
	}
	link := c.o.Unsubscribe(d)
	if link == "" {
		return nil
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Host == "" || len(link) > maxWord || strings.ContainsFunc(link, notInLink) {
		return fail(channel.Rejected, "", "Unsubscribe returned something else than an https URL")
	}
	m.SetGenHeader("List-Unsubscribe", "<"+link+">")
	m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	return nil
}

func notInLink(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }
