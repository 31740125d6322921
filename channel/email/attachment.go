package email

import (
	"bytes"
	"fmt"
	"mime"
	"strings"

	mail "github.com/wneessen/go-mail"

	"github.com/e7ddda3c/notify/channel"
)

// checkAttachment checks what goes into headers. field is the attachment's path in the Delivery.
func checkAttachment(a channel.Attachment, field string) error {
	switch fault := lineFault(a.Name); {
	case a.Name == "":
		return fail(channel.Rejected, field+".name", "empty")
	case fault != "":
		return fail(channel.Rejected, field+".name", "%s", fault)
	case len(a.Name) > 255:
		return fail(channel.Rejected, field+".name", "longer than 255 bytes")
	}
	if a.Type != "" && !mediaType(a.Type) {
		return fail(channel.Rejected, field+".type", "not a media type such as application/pdf")
	}
	if !token(a.ContentID, 128) {
		return fail(channel.Rejected, field+".content_id", "holds more than letters, digits and the characters . _ - + @")
	}
	return nil
}

// mediaType reports whether s can stand before a name parameter, as go-mail writes it: a multipart would need a structure that a
// file has not.
func mediaType(s string) bool {
	t, _, err := mime.ParseMediaType(s + "; name=a")
	return err == nil && strings.Contains(t, "/") && !strings.HasPrefix(t, "multipart/") &&
		len(s) <= 255 && ascii(s) && lineFault(s) == ""
}

// attach adds a to m: inline if the HTML can show it.
func attach(m *mail.Msg, a channel.Attachment, html bool) {
	inline := html && a.ContentID != ""
	describe := func(f *mail.File) {
		f.ContentType = mail.ContentType(a.Type)
		disposition := "attachment"
		if inline {
			disposition = "inline"
			f.Header.Set("Content-ID", fmt.Sprintf("<%s>", a.ContentID))
		}
		// RFC 2231 is the form of a name beyond ASCII; go-mail puts the older one into Content-Type.
		f.Header.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": a.Name}))
	}
	if inline {
		m.EmbedReadSeeker(a.Name, bytes.NewReader(a.Data), describe)
	} else {
		m.AttachReadSeeker(a.Name, bytes.NewReader(a.Data), describe)
	}
}

// base64Size is the size of n bytes in base64 lines with the headers of their part.
func base64Size(n int) int { return (n+2)/3*4*78/76 + 512 }

// quotedSize is the size of s in quoted-printable.
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

// wordsSize is the size of s in a header field, as encoded words if it needs them.
func wordsSize(s string) int { return quotedSize(s) / 3 * 4 }

// token reports whether s, which may be empty, has nothing that a header would have to quote.
func token(s string, most int) bool {
	return len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("._-+@", r)
	})
}
