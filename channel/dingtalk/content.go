package dingtalk

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/e7ddda3c/notify/channel"
)

// content holds the parts of a delivery's content that DingTalk can show. text or markdown is not empty.
type content struct {
	title, text, markdown, url string
	label                      string // of the button that opens url
}

func contentOf(d channel.Delivery) (content, error) {
	in := d.Content
	c := content{title: nonBlank(in.Title), text: nonBlank(in.Text), markdown: nonBlank(in.Markdown), url: in.URL, label: "Open"}
	if strings.HasPrefix(strings.ToLower(d.Locale), "zh") {
		c.label = "查看详情"
	}
	if c.markdown == "" && c.text == "" {
		c.text, c.title = c.title, ""
	}
	if c.markdown == "" && c.text == "" {
		return content{}, refused("content", "must have Title, Text or Markdown")
	}
	if c.url != "" && !isURL(c.url) {
		return content{}, refused("content.url", "must be an absolute URL")
	}
	return c, nil
}

// nonBlank returns s, or "" if s is only white space.
func nonBlank(s string) string {
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return s
}

// heading returns the text of the phone's notification: the title or else the first line of the body. It is never empty.
func (c content) heading() string {
	if c.markdown == "" {
		return cmp.Or(c.title, firstLine(c.text))
	}
	return cmp.Or(c.title, firstLine(strings.TrimLeft(c.markdown, "#>*- \t\r\n")), firstLine(c.markdown))
}

// firstLine returns the first line of s that is not blank, cut to 64 characters.
func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	line = strings.TrimSpace(line)
	if utf8.RuneCountInString(line) > 64 {
		line = string([]rune(line)[:64])
	}
	return line
}

// plain returns the text of a text message. The title is the first line, unless the text starts with it.
func (c content) plain() string {
	if c.title == "" || strings.HasPrefix(c.text, c.title) {
		return c.text
	}
	return c.title + "\n" + c.text
}

// body returns the Markdown of a card or a markdown message.
func (c content) body() string {
	if c.markdown != "" {
		return c.markdown
	}
	return escape(c.text)
}

// escape returns Markdown that shows a plain text. Line breaks need two spaces before them, or DingTalk joins the lines.
func escape(text string) string {
	return strings.NewReplacer(
		`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, "\r\n", "  \n", "\n", "  \n",
	).Replace(text)
}

// link returns a link in Markdown.
func link(label, url string) string {
	return "[" + label + "](" + strings.NewReplacer("(", "%28", ")", "%29").Replace(url) + ")"
}

// mention appends to body the members of at that it does not mention yet.
func mention(body string, at At) string {
	var missing []string
	for _, names := range [][]string{at.Mobiles, at.UserIDs} {
		for _, name := range names {
			if !mentions(body, name) {
				missing = append(missing, "@"+name)
			}
		}
	}
	if len(missing) == 0 {
		return body
	}
	return body + "\n\n" + strings.Join(missing, " ")
}

// mentions reports whether body contains @name, other than as the start of a longer name.
func mentions(body, name string) bool {
	for _, after := range strings.Split(body, "@"+name)[1:] {
		r, _ := utf8.DecodeRuneInString(after)
		if after == "" || r != '_' && r != '-' && !unicode.IsDigit(r) && !(unicode.IsLetter(r) && r < utf8.RuneSelf) {
			return true
		}
	}
	return false
}

// The bodies that robots and work notifications share. Their cards have different field names.
type (
	textBody struct {
		Content string `json:"content"`
	}
	markdownBody struct {
		Title string `json:"title"`
		Text  string `json:"text"`
	}
	linkBody struct {
		Title      string `json:"title"`
		Text       string `json:"text"`
		MessageURL string `json:"messageUrl"`
		PicURL     string `json:"picUrl,omitempty"`
	}
)

// message returns the envelope of body. form is DingTalk's msgtype.
func message(form string, body any) map[string]any {
	return map[string]any{"msgtype": form, form: body}
}

// encode returns msg as JSON of at most limit bytes. It does not escape <, > and &, because each would take six bytes.
func encode(msg map[string]any, limit int) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(msg); err != nil {
		return nil, refused("content", "cannot be encoded as JSON")
	}
	b.Truncate(b.Len() - 1) // the newline
	if b.Len() > limit {
		return nil, refused("content", "must not make the message larger than %d bytes; it has %d", limit, b.Len())
	}
	return b.Bytes(), nil
}
