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
	to, replyTo *netmail.Address // replyTo: nil without a Reply-To
	extra       Extra
	text, html  string
	size        int       // estimate of the encoded size in bytes
	msg         *mail.Msg // nil until compose
}

// parse checks d and returns the letter without its msg.
func (c *Channel) parse(d channel.Delivery) (*letter, error) {
	l := &letter{text: plainText(d.Content), html: d.Content.HTML}
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
	return l, l.estimate(d, c.o.MaxSize)
}

// mailbox parses a bare address: without a name, a comment or quotes, and of at most 254 bytes.
func mailbox(s string) (*netmail.Address, error) {
	a, err := netmail.ParseAddress(s)
	forbidden := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	if err != nil || a.Address != s || len(s) > 254 || strings.ContainsFunc(s, forbidden) {
		return nil, fail(channel.InvalidRecipient, "to", "must be one bare address of the form user@host")
	}
	return a, nil
}

func checkContent(d channel.Delivery, l *letter) error {
	if d.Content.Title == "" && l.text == "" && l.html == "" && len(d.Attachments) == 0 {
		return fail(channel.Rejected, "content", "must have Title, Text, Markdown, HTML or URL, if there are no attachments")
	}
	if fault := lineFault(d.Content.Title); fault != "" {
		return fail(channel.Rejected, "content.title", "%s", fault)
	}
	if !isToken(d.ID, 128) || strings.Contains(d.ID, "@") {
		return fail(channel.Rejected, "id", "must consist of at most 128 letters, digits and the characters . _ - +")
	}
	for i, a := range d.Attachments {
		if err := checkAttachment(a, fmt.Sprintf("attachments[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}

// estimate sets l.size. If the size exceeds limit, the error names the first field that does not fit.
func (l *letter) estimate(d channel.Delivery, limit int) error {
	tooLarge := func(field string) error {
		return fail(channel.Rejected, field, "must not make the mail larger than %d bytes", limit)
	}
	l.size = 2048 + wordsSize(d.Content.Title)
	if l.size > limit {
		return tooLarge("content.title")
	}
	for name, value := range l.extra.Headers {
		l.size += len(name) + wordsSize(value)
	}
	if l.size > limit {
		return tooLarge("extra.headers")
	}
	if l.size += quotedSize(l.text); l.size > limit {
		return tooLarge(plainTextField(d.Content))
	}
	if l.size += quotedSize(l.html); l.size > limit {
		return tooLarge("content.html")
	}
	for i, a := range d.Attachments {
		if l.size += base64Size(len(a.Data)); l.size > limit {
			return tooLarge(fmt.Sprintf("attachments[%d]", i))
		}
	}
	return nil
}

// plainText returns the plain text form of the content.
func plainText(c channel.Content) string {
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

// plainTextField returns the path of the field that plainText uses.
func plainTextField(c channel.Content) string {
	switch {
	case c.Text != "":
		return "content.text"
	case c.Markdown != "":
		return "content.markdown"
	default:
		return "content.url"
	}
}

// compose returns the finished letter for d, signed if the channel has a signer.
func (c *Channel) compose(d channel.Delivery, now time.Time) (*letter, error) {
	if c.fault != nil {
		return nil, c.fault
	}
	l, err := c.parse(d)
	if err != nil {
		return nil, err
	}
	l.msg = mail.NewMsg(mail.WithNoDefaultUserAgent())
	c.addHeaders(d, l, now)
	l.extra.write(l.msg)
	l.addParts(d)
	if err := c.unsubscribe(d, l.msg); err != nil {
		return nil, err
	}
	if c.signer != nil {
		return l, c.signer.sign(l.msg, now)
	}
	return l, nil
}

func (c *Channel) addHeaders(d channel.Delivery, l *letter, now time.Time) {
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

// addParts adds the text, the HTML and the attachments. A mail with attachments alone gets an empty text, because some mail programs
// do not display a mail without one.
func (l *letter) addParts(d channel.Delivery) {
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

// unsubscribe adds the header fields of RFC 8058, if Options.Unsubscribe returns a URL for d.
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
		return fail(channel.Rejected, "", "Unsubscribe must return an https URL of at most %d ASCII characters, or \"\"", maxWord)
	}
	m.SetGenHeader("List-Unsubscribe", "<"+link+">")
	m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	return nil
}

func notInLink(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }
