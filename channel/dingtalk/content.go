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

// shown is what DingTalk can show of a delivery's content.
type shown struct {
	title, text, markdown, url string
	label                      string // of the button that leads to url
}

func shownOf(d channel.Delivery) (shown, error) {
	c := d.Content
	s := shown{title: solid(c.Title), text: solid(c.Text), markdown: solid(c.Markdown), url: c.URL, label: "Open"}
	if strings.HasPrefix(strings.ToLower(d.Locale), "zh") {
		s.label = "查看详情"
	}
	if s.markdown == "" && s.text == "" {
		s.text, s.title = s.title, ""
	}
	if s.markdown == "" && s.text == "" {
		return shown{}, refused("content", "there is neither Text nor Markdown to show")
	}
	if s.url != "" && !isURL(s.url) {
		return shown{}, refused("content.url", "not an absolute URL")
	}
	return s, nil
}

// solid returns s, or "" if it is but white space.
func solid(s string) string {
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return s
}

// heading is what a phone shows of the message: the title or else the first line. It is never empty.
func (s shown) heading() string {
	if s.markdown == "" {
		return cmp.Or(s.title, firstLine(s.text))
	}
	return cmp.Or(s.title, firstLine(strings.TrimLeft(s.markdown, "#>*- \t\r\n")), firstLine(s.markdown))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	line = strings.TrimSpace(line)
	if utf8.RuneCountInString(line) > 64 {
		line = string([]rune(line)[:64])
	}
	return line
}

// plain is the text of a text message, under its title.
func (s shown) plain() string {
	if s.title == "" || strings.HasPrefix(s.text, s.title) {
		return s.text
	}
	return s.title + "\n" + s.text
}

// body is the Markdown of a card or a markdown message.
func (s shown) body() string {
	if s.markdown != "" {
		return s.markdown
	}
	return escape(s.text)
}

// escape makes text stand in Markdown as it is. DingTalk breaks a line only behind two spaces.
func escape(text string) string {
	return strings.NewReplacer(
		`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, "\r\n", "  \n", "\n", "  \n",
	).Replace(text)
}

// link is the Markdown of a link.
func link(label, url string) string {
	return "[" + label + "](" + strings.NewReplacer("(", "%28", ")", "%29").Replace(url) + ")"
}

// mention adds to body, at its end, those whom it does not mention yet.
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

// mentions reports whether @name stands in body, and not only as the start of a longer name.
func mentions(body, name string) bool {
	for _, after := range strings.Split(body, "@"+name)[1:] {
		r, _ := utf8.DecodeRuneInString(after)
		if after == "" || r != '_' && r != '-' && !unicode.IsDigit(r) && !(unicode.IsLetter(r) && r < utf8.RuneSelf) {
			return true
		}
	}
	return false
}

// The bodies that robots and work notifications have in common; of cards only the meaning is the same.
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

// message is the envelope of body, which is of the kind that form names.
func message(form string, body any) map[string]any {
	return map[string]any{"msgtype": form, form: body}
}

// encode returns msg as JSON of at most most bytes. <, > and & stand as they are: escaped, each would count six times.
func encode(msg map[string]any, most int) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(msg); err != nil {
		return nil, refused("content", "cannot be JSON")
	}
	b.Truncate(b.Len() - 1) // the newline
	if b.Len() > most {
		return nil, refused("content", "the message has %d bytes, more than %d", b.Len(), most)
	}
	return b.Bytes(), nil
}
