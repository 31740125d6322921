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

// DKIM signs mails for a domain (RFC 6376, relaxed/relaxed). Receivers verify the signature and so know that a mail comes from the
// domain and was not changed on the way. DKIM is for mail servers that do not sign the mails that they relay.
//
// The signature covers the whole body and all header fields except those that begin with "X-", which relays use for themselves. A
// second subject, sender or recipient that is added later makes the signature invalid.
type DKIM struct {
	// Domain is the signing domain, by default the sender's. DMARC requires the sender's domain, or a parent or subdomain of it.
	Domain string
	// Selector names the key among those of the domain: the public key is the TXT record of <Selector>._domainkey.<Domain>.
	Selector string
	// Key is an RSA key of at least 1024 bits, preferably 2048, or an Ed25519 key (RFC 8463), which some large mailbox providers do
	// not support. Many goroutines use Key at once. The key may be remote, as in a hardware module. When Key fails, Send fails as
	// Temporary and wraps the error of Key, which must hold no secret.
	Key crypto.Signer
}

var _ Signer = (*DKIM)(nil)

// forDomain returns d with a sender's domain as the default of Domain, and checks the result.
func (d *DKIM) forDomain(domain string) (Signer, error) {
	if d == nil {
		return nil, nil
	}
	own := *d
	own.Domain = cmp.Or(d.Domain, domain)
	return &own, own.check()
}

// check returns the first fault of d.
func (d *DKIM) check() error {
	name := "." + d.Selector + "." + d.Domain + "."
	if strings.ContainsFunc(name, notInName) || strings.Contains(name, "..") {
		return errors.New("DKIM.Selector and DKIM.Domain must be DNS names")
	}
	switch key := d.Key.(type) {
	case nil:
		return errors.New("DKIM.Key is required")
	case *rsa.PrivateKey:
		if key == nil || key.N == nil || key.D == nil { // key.Validate would find more faults, but make every program larger
			return errors.New("DKIM.Key must be a complete private key")
		}
	case ed25519.PrivateKey:
		if len(key) != ed25519.PrivateKeySize {
			return errors.New("DKIM.Key must be a complete private key")
		}
	}
	if rsaKey, ok := d.Key.Public().(*rsa.PublicKey); ok && rsaKey.N.BitLen() < 1024 {
		return errors.New("DKIM.Key must have at least 1024 bits for RSA")
	}
	if alg, _ := d.algorithm(); alg == "" {
		return fmt.Errorf("DKIM.Key must be an RSA or Ed25519 key, not a %T", d.Key)
	}
	return nil
}

func notInName(r rune) bool {
	return !(r < 0x80 && letterOrDigit(byte(r)) || r == '-' || r == '.' || r == '_')
}

func letterOrDigit(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' }

// algorithm returns the name of Key's algorithm and the hash function to pass to Key.Sign. The hash function is 0 for Ed25519, which
// signs the digest as if that were the message.
func (d *DKIM) algorithm() (name string, hash crypto.Hash) {
	switch d.Key.Public().(type) {
	case *rsa.PublicKey:
		return "rsa-sha256", crypto.SHA256
	case ed25519.PublicKey:
		return "ed25519-sha256", 0
	}
	return "", 0
}

// sign adds the signature to m. From then on m must not change. go-mail's own signer cannot be used: it signs the list of fields
// unfolded, and afterwards folds a long list in the middle of a field name.
func (d *DKIM) sign(m *mail.Msg, now time.Time) error {
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil { // writing to memory fails only if a part cannot be encoded
		return fail(channel.Rejected, "content", "cannot be encoded as a mail")
	}
	head, body, _ := bytes.Cut(b.Bytes(), []byte("\r\n\r\n"))
	value, err := d.signature(string(head), body, now)
	if err != nil {
		return fail(channel.Temporary, "", "DKIM.Key failed to sign: %w", err)
	}
	m.SetGenHeaderPreformatted("DKIM-Signature", value)
	return nil
}

// signature returns the folded value of the DKIM-Signature field for a mail.
func (d *DKIM) signature(head string, body []byte, now time.Time) (string, error) {
	fields := fieldsOf(head)
	names := signedNames(fields)
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

// digest returns the hash of the named fields and of the DKIM-Signature field, whose value ends with an empty b= tag. If a name occurs
// n times in names, the last n fields of that name are hashed, from the last one upward; missing fields add nothing.
func digest(fields, names []string, value string) []byte {
	h, left := sha256.New(), slices.Clone(fields)
	for _, name := range names {
		if i := lastOf(left, name); i >= 0 {
			h.Write([]byte(relaxed(left[i]) + "\r\n"))
			left = slices.Delete(left, i, i+1)
		}
	}
	h.Write([]byte(relaxed("DKIM-Signature: " + value)))
	return h.Sum(nil)
}

// fieldsOf splits a header into its fields and keeps their folding.
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

// oversigned lists the fields that mail programs display or evaluate. They are signed once more often than they occur, so that adding
// another one makes the signature invalid.
var oversigned = [...]string{"From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}

// signedNames returns the names of the fields to sign: one per field, and the oversigned ones once more.
func signedNames(fields []string) []string {
	names := slices.Clone(oversigned[:])
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

// fold joins names by colons, in lines of at most 76 characters.
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

// relaxed returns a field in the relaxed canonical form (RFC 6376, section 3.4.2), without the line break at the end.
func relaxed(field string) string {
	name, value, _ := strings.Cut(field, ":")
	return strings.ToLower(strings.TrimRight(name, " \t")) + ":" + strings.Join(strings.FieldsFunc(value, isSpace), " ")
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

// bodyHash returns the hash of a body in the relaxed canonical form (RFC 6376, section 3.4.4): no white space at the end of a line, one
// space for any other run of white space, and no empty lines at the end.
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
