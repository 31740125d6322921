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

// Extra is the form of Delivery.Extra for this channel.
type Extra struct {
	// ReplyTo is the mailbox for replies, with or without a name. Defaults to [Options].ReplyTo.
	ReplyTo string `json:"reply_to,omitempty"`
	// Headers holds additional header fields by name, such as X-Campaign. A name has at most 70 characters. Fields that the channel
	// itself writes, and those of relays and signatures, are refused.
	Headers map[string]string `json:"headers,omitempty"`
	// Importance is "high", "normal" (the default) or "low".
	Importance string `json:"importance,omitempty"`
}

func (e Extra) check() error {
	switch e.Importance {
	case "", "high", "normal", "low":
	default:
		return fail(channel.Rejected, "extra.importance", "must be high, normal or low")
	}
	names := make([]string, 0, len(e.Headers))
	for name := range e.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !fieldName(name) {
			return fail(channel.Rejected, "extra.headers", "names must consist of 1 to 70 printable ASCII characters other than the colon")
		}
		field := "extra.headers." + name
		if reserved(name) {
			return fail(channel.Rejected, field, "is reserved for the channel, relays and signatures")
		}
		if fault := lineFault(e.Headers[name]); fault != "" {
			return fail(channel.Rejected, field, "%s", fault)
		}
	}
	return nil
}

// replyTo returns the mailbox for replies, or nil.
func (e Extra) replyTo(byDefault *netmail.Address) (*netmail.Address, error) {
	if e.ReplyTo == "" {
		return byDefault, nil
	}
	a, err := sender("ReplyTo", e.ReplyTo)
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

// reserved reports whether the channel, relays or signers write the field.
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

// fieldName reports whether s is a valid name of a header field (RFC 5322, section 3.6.8).
func fieldName(s string) bool {
	return s != "" && len(s) <= 70 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
}

// maxWord limits the words in a header field, in bytes. Header lines are folded at spaces, and RFC 5322, section 2.1.1, limits a line to
// 998 bytes.
const maxWord = 900

// lineFault returns the rule that s breaks as the value of a header field, or "". Non-ASCII text may have long words, because it is
// encoded as short ones.
func lineFault(s string) string {
	switch {
	case !utf8.ValidString(s):
		return "must be UTF-8"
	case strings.ContainsFunc(s, unicode.IsControl):
		return "must not contain line breaks or other control characters"
	}
	for word := range strings.SplitSeq(s, " ") {
		if len(word) > maxWord && ascii(s) {
			return fmt.Sprintf("must not contain a word of more than %d bytes", maxWord)
		}
	}
	return ""
}

// oneSpace joins the words of s by single spaces. Folding within a longer run of spaces can produce a line that is empty but for
// spaces, which some programs take for the end of the header.
func oneSpace(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
