package email

import (
	"cmp"
	"errors"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	mail "github.com/wneessen/go-mail"

	"github.com/e7ddda3c/notify/channel"
)

// A step is a stage of an SMTP session, as error texts name it.
type step string

const (
	atDial     step = "connect"
	atGreeting step = "the greeting"
	atTLS      step = "TLS"
	atAuth     step = "AUTH"
	atMail     step = "MAIL FROM"
	atRcpt     step = "RCPT TO"
	atData     step = "DATA"
	atContent  step = "the content"
	atDot      step = "the mail" // the reply to the dot that ends a mail
)

// isSetup reports whether s comes before the first mail. A failure there is the same for every mail.
func (s step) isSetup() bool { return s == atDial || s == atGreeting || s == atTLS || s == atAuth }

// stepOf returns the step at which go-mail failed.
func stepOf(err error) step {
	var e *mail.SendError
	if !errors.As(err, &e) {
		return atMail
	}
	switch e.Reason {
	case mail.ErrSMTPRcptTo:
		return atRcpt
	case mail.ErrSMTPData:
		return atData
	case mail.ErrWriteContent:
		return atContent
	case mail.ErrSMTPDataClose:
		return atDot
	default:
		return atMail
	}
}

// A reply is a server's refusal.
type reply struct {
	code     int
	enhanced string // RFC 3463, such as 5.1.1; "" without one
	text     string // in lower case, only for matching words: servers put addresses there
}

// replyOf returns the server's refusal in err, if there is one.
func replyOf(err error) (reply, bool) {
	var proto *textproto.Error
	if errors.As(err, &proto) {
		return parseReply(proto.Code, proto.Msg)
	}
	var e *mail.SendError
	if !errors.As(err, &e) {
		return reply{}, false
	}
	// A SendError holds the enhanced code only if the server announced such codes, and the reply's text only within its own text.
	text := strings.TrimPrefix(e.Error(), e.Reason.String()+": "+strconv.Itoa(e.ErrorCode())+" ")
	if quoted, err := strconv.QuotedPrefix(text); err == nil { // newer versions of textproto quote the text
		text, _ = strconv.Unquote(quoted)
	} else {
		text, _, _ = strings.Cut(text, ", affected ")
	}
	return parseReply(e.ErrorCode(), text)
}

// parseReply returns the refusal with this code and text. It reports false for a code outside 400 to 599.
func parseReply(code int, text string) (reply, bool) {
	if code < 400 || code > 599 {
		return reply{}, false
	}
	text = strings.ToLower(strings.TrimSpace(text))
	return reply{code: code, enhanced: enhanced(code, text), text: text}, true
}

// enhanced returns the enhanced code at the start of text, if its class matches code.
func enhanced(code int, text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		end = len(text)
	}
	parts := strings.Split(text[:end], ".")
	if len(parts) != 3 || parts[0] != strconv.Itoa(code/100) {
		return ""
	}
	for _, p := range parts {
		if len(p) < 1 || len(p) > 3 {
			return ""
		}
	}
	return text[:end]
}

func (r reply) error(s step) error {
	kind, wait := r.kind(s)
	e := fail(kind, "", "the server refused %s", s)
	e.Code = strings.TrimSpace(strconv.Itoa(r.code) + " " + r.enhanced)
	e.RetryAfter = wait
	return e
}

// kind classifies r at step s (RFC 5321, 3463, 5248) and returns the wait before the next attempt.
func (r reply) kind(s step) (channel.Kind, time.Duration) {
	wait := r.wait()
	switch {
	case r.enhanced == "5.4.5": // Gmail: the account's daily quota
		return channel.RateLimited, cmp.Or(wait, time.Hour)
	case r.code >= 500:
		return r.permanent(s), 0
	case r.throttled(s):
		return channel.RateLimited, cmp.Or(wait, time.Minute)
	case r.enhanced == "4.7.1" || r.says("greylist", "graylist", "grey list", "grey-list"):
		return channel.Temporary, cmp.Or(wait, 5*time.Minute)
	default:
		return channel.Temporary, wait
	}
}

// throttled reports whether the account or the host must wait. 4.7.0 means that, with two exceptions: at RCPT it may be about the
// recipient, and with 454 the authentication server is down (RFC 4954).
func (r reply) throttled(s step) bool {
	if r.says("throttl", "rate limit", "ratelimit", "sending rate", "submission rate", "sending limit", "too many", "too much") {
		return true
	}
	return (r.enhanced == "4.7.0" || r.enhanced == "4.7.28") && s != atRcpt && r.code != 454
}

func (r reply) permanent(s step) channel.Kind {
	switch {
	case s.isSetup(), r.code == 530, r.code == 534, r.code == 535, r.code == 538:
		return channel.Misconfigured
	case s == atMail && (r.code == 552 || r.enhanced == "5.3.4"):
		return channel.Rejected
	case s == atMail: // so far the server knows only client and sender, which are the same for every mail
		return channel.Misconfigured
	}
	switch r.enhanced {
	case "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1":
		return channel.InvalidRecipient
	case "5.2.2": // mailbox full
		return channel.Unreachable
	case "5.1.7", "5.1.8", // bad sender
		"5.7.8", "5.7.9", "5.7.11", "5.7.13", "5.7.14", "5.7.57", "5.7.60": // bad login, or no right to this sender
		return channel.Misconfigured
	case "", "5.0.0", "5.5.0": // no more specific than the code
		return r.byCode(s)
	default:
		return channel.Rejected
	}
}

// byCode classifies a permanent refusal that has no specific enhanced code. At RCPT, 550 and 553 mean an unknown mailbox or a policy.
// Mistaking a policy for an unknown mailbox does more harm than the reverse, so InvalidRecipient requires words about the mailbox.
func (r reply) byCode(s step) channel.Kind {
	switch {
	case s != atRcpt:
		return channel.Rejected
	case r.code == 552:
		return channel.Unreachable
	case r.code == 551, r.says("unknown user", "user unknown", "unknown recipient", "recipient unknown", "unknown mailbox",
		"unknown local", "unrouteable", "unroutable", "no such", "not found", "not exist", "n't exist", "no mailbox", "mailbox unavailable",
		"mailbox name", "invalid recipient", "invalid mailbox", "invalid user", "invalid address"):
		return channel.InvalidRecipient
	default:
		return channel.Rejected
	}
}

func (r reply) says(words ...string) bool {
	for _, w := range words {
		if strings.Contains(r.text, w) {
			return true
		}
	}
	return false
}

// wait returns the wait that the text asks for, as in "try again in 300 seconds" or "wait 5m", at most a day. It is 0 if there is none.
func (r reply) wait() time.Duration {
	words := strings.FieldsFunc(r.text, func(r rune) bool { return strings.ContainsRune(" \t\n,;:!()", r) })
	for i := 1; i < len(words); i++ {
		switch words[i-1] {
		case "in", "after", "for", "wait", "least":
			if d := duration(words[i:]); d > 0 {
				return min(d, 24*time.Hour)
			}
		}
	}
	return 0
}

// duration parses a wait at the start of words, such as "300 seconds" or "300s".
func duration(words []string) time.Duration {
	if n, err := strconv.ParseUint(words[0], 10, 16); err == nil && len(words) > 1 {
		switch unit := words[1]; {
		case strings.HasPrefix(unit, "s"):
			return time.Duration(n) * time.Second
		case strings.HasPrefix(unit, "m"):
			return time.Duration(n) * time.Minute
		case strings.HasPrefix(unit, "h"):
			return time.Duration(n) * time.Hour
		}
	}
	d, _ := time.ParseDuration(strings.TrimRight(words[0], "."))
	return d
}
