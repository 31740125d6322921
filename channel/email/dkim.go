package email

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	mail "github.com/wneessen/go-mail"

	"github.com/e7ddda3c/notify/channel"
)

// DKIM signs mails for a domain (RFC 6376, relaxed/relaxed), so that receivers can tell that they come from there and were not changed
// on the way. Servers that sign what they relay need no help; this is for those that do not.
//
// All header fields are signed but those that begin with "X-", which relays take for themselves; nobody can add a second subject,
// sender or recipient. The body is signed whole.
type DKIM struct {
	// Domain is the one that signs. DMARC wants it to be the sender's, or above or below that. Defaults to the sender's.
	Domain string
	// Selector says which of the domain's keys it is: the public key is the TXT record of <Selector>._domainkey.<Domain>.
	Selector string
	// Key signs with RSA, of 1024 bits at least, better 2048, or with Ed25519 (RFC 8463), which large mailbox providers do not all
	// understand. It is used by many goroutines at once. It may sit elsewhere, as in a hardware module; if it fails, so does Send, as
	// Temporary, with its error wrapped: that must hold no secret.
	Key crypto.Signer
}

var _ Signer = (*DKIM)(nil)

// of returns d for a sender's domain, or what d lacks.
func (d *DKIM) of(domain string) (Signer, error) {
	if d == nil {
		return nil, nil
	}
	own := *d
	own.Domain = cmp.Or(d.Domain, domain)
	return &own, own.check()
}

// check says what d lacks.
func (d *DKIM) check() error {
	name := "." + d.Selector + "." + d.Domain + "."
	if strings.ContainsFunc(name, notInName) || strings.Contains(name, "..") {
		return errors.New("DKIM needs a Selector and a Domain that are names in the DNS")
	}
	switch key := d.Key.(type) {
	case nil:
		return errors.New("DKIM needs a Key")
	case *rsa.PrivateKey:
		if key == nil || key.N == nil || key.D == nil { // Validate would say more, and make every program larger
			return errors.New("DKIM's Key is broken")
		}
	case ed25519.PrivateKey:
		if len(key) != ed25519.PrivateKeySize {
			return errors.New("DKIM's Key is broken")
		}
	}
	if rsaKey, ok := d.Key.Public().(*rsa.PublicKey); ok && rsaKey.N.BitLen() < 1024 {
		return errors.New("DKIM's Key is too short: RSA takes 1024 bits at least")
	}
	if alg, _ := d.algorithm(); alg == "" {
		return fmt.Errorf("DKIM's Key is neither RSA nor Ed25519, but a %T", d.Key)
	}
	return nil
}

func notInName(r rune) bool {
	return !(r < 0x80 && letterOrDigit(byte(r)) || r == '-' || r == '.' || r == '_')
}

func letterOrDigit(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' }

// algorithm returns the name of Key's, and what its Sign is told of the digest: Ed25519 signs it as if it were the message.
func (d *DKIM) algorithm() (name string, hash crypto.Hash) {
	switch d.Key.Public().(type) {
	case *rsa.PublicKey:
		return "rsa-sha256", crypto.SHA256
	case ed25519.PublicKey:
		return "ed25519-sha256", 0
	}
	return "", 0
}

// sign adds the signature to m, of which nothing may change from then on. go-mail's own signer is of no use: it folds a long list of
// fields in the midst of a name, after having signed it unfolded.
func (d *DKIM) sign(m *mail.Msg, now time.Time) error {
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil { // into memory: a part that cannot be encoded
		return fail(channel.Rejected, "content", "cannot be written as a mail")
	}
	head, body, _ := bytes.Cut(b.Bytes(), []byte("\r\n\r\n"))
	value, err := d.signature(string(head), body, now)
	if err != nil {
		return fail(channel.Temporary, "", "DKIM's Key does not sign: %w", err)
	}
	m.SetGenHeaderPreformatted("DKIM-Signature", value)
	return nil
}

// signature returns the value of the field DKIM-Signature for a mail, folded.
func (d *DKIM) signature(head string, body []byte, now time.Time) (string, error) {
	fields := fieldsOf(head)
	names := signed(fields)
	alg, hash := d.algorithm()
	value := fmt.Sprintf("v=1; a=%s; c=relaxed/relaxed; d=%s;\r\n s=%s; t=%d;\r\n h=%s;\r\n bh=%s;\r\n b=",
		alg, d.Domain, d.Selector, now.Unix(), fold(names), base64.StdEncoding.EncodeToString(bodyHash(body)))
	b, err := d.Key.Sign(rand.Reader, digest(fields, names, value), hash)
	if err != nil {
		return "", err
	}
	text := base64.StdEncoding.EncodeToString(b)
	for ; len(text) > 72; text = text[72:] {
		value += text[:72] + "\r\n "
	}
	return value + text, nil
}

// digest is the hash of the fields with these names and of the signature's own field, whose value ends before the signature.
func digest(fields, names []string, value string) []byte {
	h, left := sha256.New(), slices.Clone(fields)
	for _, name := range names { // the last one of a name first; one that is not there adds nothing, and so cannot be added
		if i := lastOf(left, name); i >= 0 {
			h.Write([]byte(relaxed(left[i]) + "\r\n"))
			left = slices.Delete(left, i, i+1)
		}
	}
	h.Write([]byte(relaxed("DKIM-Signature: " + value)))
	return h.Sum(nil)
}

// fieldsOf splits a head into its fields, each as it is folded.
func fieldsOf(head string) []string {
	var fields []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if len(fields) > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
			fields[len(fields)-1] += "\r\n" + line
		} else {
			fields = append(fields, line)
		}
	}
	return fields
}

// once names the fields that a mail program shows or goes by: nobody may add one.
var once = [...]string{"From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}

// signed names the fields to sign. A name stands there once more than there are fields if none may be added.
func signed(fields []string) []string {
	names := slices.Clone(once[:])
	for _, f := range fields {
		if name := nameOf(f); !strings.HasPrefix(strings.ToLower(name), "x-") {
			names = append(names, name)
		}
	}
	return names
}

func nameOf(field string) string {
	name, _, _ := strings.Cut(field, ":")
	return strings.TrimRight(name, " \t")
}

func lastOf(fields []string, name string) int {
	for i := len(fields) - 1; i >= 0; i-- {
		if strings.EqualFold(nameOf(fields[i]), name) {
			return i
		}
	}
	return -1
}

// fold joins names by colons, a few on each line.
func fold(names []string) string {
	var b strings.Builder
	line := len(" h=")
	for i, name := range names {
		if i > 0 {
			b.WriteByte(':')
		}
		if line += len(name) + 1; line > 76 {
			b.WriteString("\r\n  ")
			line = len("  ") + len(name) + 1
		}
		b.WriteString(name)
	}
	return b.String()
}

// relaxed is a field in its canonical form (RFC 6376, section 3.4.2), without the line's end.
func relaxed(field string) string {
	name, value, _ := strings.Cut(field, ":")
	return strings.ToLower(strings.TrimRight(name, " \t")) + ":" + strings.Join(strings.FieldsFunc(value, space), " ")
}

func space(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// bodyHash is that of the canonical form (section 3.4.4): no white space at a line's end, one space for any other, no empty lines at the end.
func bodyHash(body []byte) []byte {
	h := sha256.New()
	empty := 0
	for line := range bytes.Lines(body) {
		line = bytes.TrimRight(line, " \t\r\n")
		if len(line) == 0 {
			empty++
			continue
		}
		for ; empty > 0; empty-- {
			h.Write([]byte("\r\n"))
		}
		words := bytes.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if line[0] == ' ' || line[0] == '\t' {
			h.Write([]byte(" "))
		}
		h.Write(bytes.Join(words, []byte(" ")))
		h.Write([]byte("\r\n"))
	}
	return h.Sum(nil)
}
