// Package console is a channel for development that prints deliveries instead of sending them. It can stand in for any other channel,
// under that channel's name.
//
// The channel prints every form of the content: title, URL, approved text, text, markdown, HTML; then the name and size of each
// attachment, and Extra, which may be anything. Control characters are printed as escapes, so that no message can control the terminal.
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
	// Writer receives each delivery in a single Write. Writes never overlap. The default is os.Stdout.
	Writer io.Writer

	// AddressKind is the kind of address that the channel declares, such as channel.Email in place of mail. By default the
	// channel declares none, and a recipient needs an address under the channel's own name.
	AddressKind string
}

// A Channel prints deliveries. It is safe for concurrent use.
type Channel struct {
	kind string

	mu sync.Mutex
	w  io.Writer
}

var (
	_ channel.Channel   = (*Channel)(nil)
	_ channel.Addresser = (*Channel)(nil)
)

// New returns a channel that prints deliveries as configured by o.
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

// AddressKind returns Options.AddressKind.
func (c *Channel) AddressKind() string { return c.kind }

// Send prints d as a block of lines, followed by an empty line. If ctx is done before that, the error is Temporary. A failure of the
// writer is Uncertain. ctx does not interrupt a writer that blocks.
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

// block formats d.
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

// approved formats an approved text as name(param: value, …).
func approved(a *channel.Approved) string {
	params := make([]string, len(a.Params))
	for i, p := range a.Params {
		params[i] = line(p.Name) + ": " + line(p.Value)
	}
	return line(a.Name) + "(" + strings.Join(params, ", ") + ")"
}

// field writes a name and a value, with the further lines of the value indented below the first. An empty value is left out.
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

// line returns s with every hidden character escaped as in Go, such as \n, \x1b or the marks that reverse the direction of text.
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

// hidden reports whether c is invisible, except for tabs and the joiners in emoji and in some scripts.
func hidden(c rune) bool {
	return c != '\t' && c != '\u200c' && c != '\u200d' && !unicode.IsGraphic(c)
}
