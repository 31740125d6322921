// Package console is a channel for development: it prints deliveries instead of sending them, under the name of whatever channel it stands
// in for.
//
// It shows all forms of the content that there are: title, URL, approved text, text, markdown, HTML; then the names of attachments, and
// Extra, of which it takes any. Control characters are shown, not obeyed, so that no message plays with the terminal.
package console

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/e7ddda3c/notify/channel"
)

// Options configures a [Channel]. A nil *Options means all defaults.
type Options struct {
	// Writer gets each delivery in one Write, never two at once. Defaults to os.Stdout.
	Writer io.Writer

	// AddressKind is what the channel declares, such as channel.Email if it stands in for mail. By default it declares
	// none, and a recipient needs an address under the channel's own name.
	AddressKind string
}

// A Channel prints. It may be used by many goroutines at once.
type Channel struct {
	kind string

	mu sync.Mutex
	w  io.Writer
}

var (
	_ channel.Channel   = (*Channel)(nil)
	_ channel.Addresser = (*Channel)(nil)
)

// New returns a channel that prints.
func New(o *Options) *Channel {
	if o == nil {
		o = &Options{}
	}
	c := &Channel{kind: o.AddressKind, w: o.Writer}
	if c.w == nil {
		c.w = os.Stdout
	}
	return c
}

// AddressKind returns the kind of the Options.
func (c *Channel) AddressKind() string { return c.kind }

// Send prints d as a block of lines with an empty one behind. An error of the writer is Uncertain. ctx does not stop a writer that blocks.
func (c *Channel) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return channel.Receipt{}, &channel.Error{Kind: channel.Temporary, Err: fmt.Errorf("console: not printed: %w", err)}
	}
	b := block(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.w.Write(b); err != nil {
		return channel.Receipt{}, &channel.Error{Kind: channel.Uncertain, Err: fmt.Errorf("console: %w", err)}
	}
	return channel.Receipt{DeliveryID: d.ID, Provider: "console", ID: d.ID, Event: channel.Sent, At: time.Now()}, nil
}

// block lays d out.
func block(d channel.Delivery) []byte {
	var b bytes.Buffer
	b.WriteString(line(d.Channel))
	if d.To != "" {
		b.WriteString(" to " + line(d.To))
	}
	b.WriteString(", delivery " + line(d.ID))
	if d.Attempt > 1 {
		fmt.Fprintf(&b, ", attempt %d", d.Attempt)
	}
	b.WriteString("\n")

	c := d.Content
	field(&b, "title", line(c.Title))
	field(&b, "url", line(c.URL))
	if c.Approved != nil {
		field(&b, "approved", approved(c.Approved))
	}
	field(&b, "text", c.Text)
	field(&b, "markdown", c.Markdown)
	field(&b, "html", c.HTML)
	for _, a := range d.Attachments {
		field(&b, "file", fmt.Sprintf("%s, %d bytes", line(a.Name), len(a.Data)))
	}
	field(&b, "extra", string(d.Extra))
	b.WriteString("\n")
	return b.Bytes()
}

// approved shows an approved text as name(param: value, …).
func approved(a *channel.Approved) string {
	params := make([]string, len(a.Params))
	for i, p := range a.Params {
		params[i] = line(p.Name) + ": " + line(p.Value)
	}
	return line(a.Name) + "(" + strings.Join(params, ", ") + ")"
}

// field writes a value behind its name, its further lines below the first. An empty one is left out.
func field(b *bytes.Buffer, name, value string) {
	value = strings.TrimRight(strings.ReplaceAll(value, "\r\n", "\n"), "\n")
	if value == "" {
		return
	}
	for l := range strings.SplitSeq(value, "\n") {
		fmt.Fprintf(b, "  %-9s %s\n", name, line(l))
		name = ""
	}
}

// line returns s with what is not for the eye shown as Go does: \n, \x1b, and the marks that turn the direction of a text.
func line(s string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if hidden(c) {
			quoted := strconv.QuoteToASCII(string(c))
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// hidden spares the joiners that emoji and some scripts are made with.
func hidden(c rune) bool {
	return c != '\t' && c != '\u200c' && c != '\u200d' && !unicode.IsGraphic(c)
}
