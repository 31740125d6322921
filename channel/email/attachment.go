package email

import (
	"bytes"
	"fmt"
	"mime"
	"strings"

	mail "github.com/wneessen/go-mail"

	"github.com/e7ddda3c/notify/channel"
)

// checkAttachment checks Name, Type and ContentID, which become header fields. field is the attachment's path in the Delivery.
func checkAttachment(a channel.Attachment, field string) error {
	switch fault := lineFault(a.Name); {
	case a.Name == "":
		return fail(channel.Rejected, field+".name", "is required")
	case fault != "":
		return fail(channel.Rejected, field+".name", "%s", fault)
	case len(a.Name) > 255:
		return fail(channel.Rejected, field+".name", "must not be longer than 255 bytes")
	}
	if a.Type != "" && !mediaType(a.Type) {
		return fail(channel.Rejected, field+".type", "must be a media type such as application/pdf, not multipart and without a name parameter")
	}
	if !isToken(a.ContentID, 128) {
		return fail(channel.Rejected, field+".content_id", "must consist of at most 128 letters, digits and the characters . _ - + @")
	}
	return nil
}

// mediaType reports whether s is a media type for a single file. go-mail appends a name parameter, so s must not have one.
func mediaType(s string) bool {
	t, _, err := mime.ParseMediaType(s + "; name=a")
	return err == nil && strings.Contains(t, "/") && !strings.HasPrefix(t, "multipart/") &&
		len(s) <= 255 && ascii(s) && lineFault(s) == ""
}

// attach adds a to m. The part is inline if the mail has HTML and a has a ContentID.
func attach(m *mail.Msg, a channel.Attachment, html bool) {
	inline := html && a.ContentID != ""
	describe := func(f *mail.File) {
		f.ContentType = mail.ContentType(a.Type)
		disposition := "attachment"
		if inline {
			disposition = "inline"
			f.Header.Set("Content-ID", fmt.Sprintf("<%s>", a.ContentID))
		}
		// A non-ASCII file name is encoded by RFC 2231 here, and by the older RFC 2047 in the Content-Type that go-mail writes.
		f.Header.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": a.Name}))
	}
	if inline {
		m.EmbedReadSeeker(a.Name, bytes.NewReader(a.Data), describe)
	} else {
		m.AttachReadSeeker(a.Name, bytes.NewReader(a.Data), describe)
	}
}

// base64Size returns the size of a part with n bytes of data: headers and base64 lines.
func base64Size(n int) int { return (n+2)/3*4*78/76 + 512 }

// quotedSize returns the approximate size of s in quoted-printable.
func quotedSize(s string) int {
	n := len(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\n':
			n++
		case c > '~' || c == '=' || c < ' ':
			n += 2
		}
	}
	return n + n/24
}

// wordsSize returns the approximate size of s in a header field, where non-ASCII text becomes encoded words.
func wordsSize(s string) int { return quotedSize(s) / 3 * 4 }

// isToken reports whether s can stand unquoted in a header field. The empty string can.
func isToken(s string, limit int) bool {
	return len(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("._-+@", r)
	})
}
