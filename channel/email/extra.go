package email

import (
	"fmt"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	mail "github.com/wneessen/go-mail"

	"github.com/e7ddda3c/notify/channel"
)

// Extra is what Delivery.Extra may hold for this channel.
type Extra struct {
	// ReplyTo is the mailbox that answers go to, with or without a name, instead of [Options].ReplyTo.
	ReplyTo string `json:"reply_to,omitempty"`
	// Headers are further header fields, such as X-Campaign. Fields that the channel writes itself, and those of relays and
	// signatures, are refused.
	Headers map[string]string `json:"headers,omitempty"`
	// Importance is "high", "normal" (the default) or "low".
	Importance string `json:"importance,omitempty"`
}

func (e Extra) check() error {
	switch e.Importance {
	case "", "high", "normal", "low":
	default:
		return fail(channel.Rejected, "extra.importance", "not high, normal or low")
	}
	names := make([]string, 0, len(e.Headers))
	for name := range e.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !fieldName(name) {
			return fail(channel.Rejected, "extra.headers", "a name is none of a header field")
		}
		field := "extra.headers." + name
		if reserved(name) {
			return fail(channel.Rejected, field, "not for callers to set")
		}
		if fault := lineFault(e.Headers[name]); fault != "" {
			return fail(channel.Rejected, field, "%s", fault)
		}
	}
	return nil
}

// replyTo returns the mailbox for answers, or nil.
func (e Extra) replyTo(otherwise *netmail.Address) (*netmail.Address, error) {
	if e.ReplyTo == "" {
		return otherwise, nil
	}
	a, err := sender("it", e.ReplyTo)
	if err != nil {
		return nil, fail(channel.Rejected, "extra.reply_to", "%w", err)
	}
	return a, nil
}

func (e Extra) write(m *mail.Msg) {
	for name, value := range e.Headers {
		m.SetGenHeader(mail.Header(name), oneSpace(value))
	}
	switch e.Importance {
	case "high":
		m.SetGenHeader("Importance", "high")
		m.SetGenHeader("X-Priority", "1")
	case "low":
		m.SetGenHeader("Importance", "low")
		m.SetGenHeader("X-Priority", "5")
	}
}

// reserved reports whether a field is written by the channel or by those who carry the mail.
func reserved(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch name {
	case "From", "Sender", "To", "Cc", "Bcc", "Subject", "Date", "Message-Id", "Reply-To", "Mime-Version", "Auto-Submitted",
		"List-Unsubscribe", "List-Unsubscribe-Post", "Importance", "Priority", "X-Priority", "X-Msmail-Priority",
		"Return-Path", "Received", "Delivered-To", "Dkim-Signature", "Domainkey-Signature", "Authentication-Results":
		return true
	}
	for _, prefix := range []string{"Content-", "Resent-", "Arc-", "Received-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// fieldName reports whether s is the name of a header field (RFC 5322, section 3.6.8).
func fieldName(s string) bool {
	return s != "" && len(s) <= 70 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
}

// maxWord keeps header lines, which are folded at spaces, below the 998 bytes of RFC 5322, section 2.1.1.
const maxWord = 900

// lineFault says what forbids s in a header field, or "". Text beyond ASCII is encoded there in short words.
func lineFault(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case strings.ContainsFunc(s, unicode.IsControl):
		return "holds a line break or another control character"
	}
	for word := range strings.SplitSeq(s, " ") {
		if len(word) > maxWord && ascii(s) {
			return fmt.Sprintf("holds a word of more than %d bytes", maxWord)
		}
	}
	return ""
}

// oneSpace joins the words of s by single spaces, for a line that is folded within a row of spaces looks like the end of the header
// to some.
func oneSpace(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
