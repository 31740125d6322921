package email_test

import (
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

var update = flag.Bool("update", false, "write the golden files anew")

// png is a picture of one pixel.
var png, _ = base64.StdEncoding.DecodeString(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")

const longSubject = "您的订单已经发货：两本关于编程的书、一盏台灯和一只杯子，预计明天中午之前送达，请注意查收 🚚 – merci de votre commande, à bientôt"

func TestMailLooksAsItShould(t *testing.T) {
	tests := map[string]struct {
		change  func(*channel.Delivery)
		options func(*email.Options)
	}{
		"text": {},
		"html and text": {change: func(d *channel.Delivery) {
			d.Content.Title = longSubject
			d.Content.HTML = "<p>It arrives <b>tomorrow</b> before noon. 明天见。</p>\n<p>a=b</p>\n"
		}},
		"html alone": {change: func(d *channel.Delivery) { d.Content = channel.Content{Title: "Hello", HTML: "<p>Hello</p>"} }},
		"markdown and link": {change: func(d *channel.Delivery) {
			d.Content.Text, d.Content.Markdown, d.Content.URL = "", "It arrives **tomorrow**.\n", "https://example.com/orders/7"
		}},
		"attachments": {change: attach(
			channel.Attachment{Name: "invoice.pdf", Data: []byte("%PDF-1.7\n.\n..\nend\n")},
			channel.Attachment{Name: "发票 2026-11.csv", Type: "text/csv; charset=utf-8", Data: []byte("书,2\n")})},
		"inline image": {change: func(d *channel.Delivery) {
			d.Content.HTML = `<p><img src="cid:logo"> Hello</p>`
			d.Attachments = []channel.Attachment{{Name: "logo.png", ContentID: "logo", Data: png}, {Name: "terms.txt", Data: []byte("none\n")}}
		}},
		"inline image without html": {change: func(d *channel.Delivery) {
			d.Attachments = []channel.Attachment{{Name: "logo.png", ContentID: "logo", Data: png}}
		}},
		"file alone": {change: func(d *channel.Delivery) {
			d.Content, d.Attachments = channel.Content{}, []channel.Attachment{{Name: "logo.png", Data: png}}
		}},
		"newsletter": {
			change: extra(`{"reply_to": "团队 <team@example.com>", "headers": {"X-Campaign": "spring", "X-Note": "` + strings.Repeat("纸 ", 40) + `"}, "importance": "low"}`),
			options: func(o *email.Options) {
				o.ReplyTo = "nobody@example.com"
				o.Unsubscribe = func(d channel.Delivery) string { return "https://example.com/u/" + d.ID + "?list=news" }
			},
		},
		"important": {change: extra(`{"importance": "high"}`), options: func(o *email.Options) { o.ReplyTo = "Help <help@example.com>" }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := delivery()
			if test.change != nil {
				test.change(&d)
			}
			got := render(t, d, test.options)
			for line := range strings.Lines(got) {
				require.True(t, strings.HasSuffix(line, "\r\n") && strings.Count(line, "\r") == 1, "%q", line)
				require.LessOrEqual(t, len(line), 200, "%q", line)
			}
			golden(t, name, strings.ReplaceAll(stable(got), "\r\n", "\n"))
		})
	}
}

// render sends d and returns the mail as received by the server.
func render(t *testing.T, d channel.Delivery, change func(*email.Options)) string {
	t.Helper()
	if change == nil {
		change = func(*email.Options) {}
	}
	s := serve(t, nil)
	_, err := s.channel(change).Send(t.Context(), d)
	require.NoError(t, err)
	return s.received()[0].data
}

// stable replaces the date and the boundaries, which differ on every run.
func stable(data string) string {
	data = regexp.MustCompile(`(?m)^Date: .*\d{4}\r$`).ReplaceAllString(data, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r")
	for i, m := range regexp.MustCompile(`boundary=([0-9a-f]+)`).FindAllStringSubmatch(data, -1) {
		data = strings.ReplaceAll(data, m[1], fmt.Sprintf("boundary-%d", i+1))
	}
	return data
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".eml")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestWhatArrivesIsWhatWasGiven(t *testing.T) {
	d := delivery()
	d.Content.Title = longSubject
	d.Content.Text = "line\n.\n..dots\n=20 é\n" + strings.Repeat("很长 ", 500) + "\n"
	d.Content.HTML = "<p>" + strings.Repeat("long ", 500) + "</p>\n"
	all := make([]byte, 70_000)
	for i := range all {
		all[i] = byte(i * i >> 3)
	}
	d.Attachments = []channel.Attachment{{Name: "发票 ; \"2026\".bin", Data: all}, {Name: "logo.png", ContentID: "logo@shop", Data: png}}

	m := parse(t, render(t, d, nil))
	require.Equal(t, longSubject, m.subject)
	require.Equal(t, d.Content.Text, m.part["text/plain"])
	require.Equal(t, d.Content.HTML, m.part["text/html"])
	require.Equal(t, string(all), m.file["发票 ; \"2026\".bin"])
	require.Equal(t, string(png), m.file["logo.png"])
	require.Equal(t, "<logo@shop>", m.cid["logo.png"])
}

func TestSpacesInTheSubjectNeverEndTheHeader(t *testing.T) {
	s := serve(t, nil)
	c := s.channel()
	for n := range 90 {
		d := delivery()
		d.Content.Title = strings.Repeat("x", n) + strings.Repeat(" ", 90) + strings.Repeat("y", 80) + "   "
		_, err := c.Send(t.Context(), d)
		require.NoError(t, err)
		head, _, _ := strings.Cut(s.received()[n].data, "\r\n\r\n")
		for line := range strings.Lines(head) {
			require.NotEmpty(t, strings.TrimSpace(line))
		}
		require.Contains(t, head, "To: <ann@example.com>")
	}
}

func TestUnsubscribe(t *testing.T) {
	tests := map[string]struct {
		link string
		want string
		kind channel.Kind
	}{
		"has the link for one click":     {link: "https://example.com/u?d=7&x=%20", want: "<https://example.com/u?d=7&x=%20>"},
		"has none if there is no link":   {},
		"refuses a link without TLS":     {link: "http://example.com/u", kind: channel.Rejected},
		"refuses a mailto":               {link: "mailto:leave@example.com", kind: channel.Rejected},
		"refuses a link without a host":  {link: "https:///u", kind: channel.Rejected},
		"refuses CR LF":                  {link: "https://example.com/u\r\nBcc: x@example.com", kind: channel.Rejected},
		"refuses what closes its bounds": {link: "https://example.com/u>, <https://example.net", kind: channel.Rejected},
		"refuses letters beyond ASCII":   {link: "https://example.com/ü", kind: channel.Rejected},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			c := s.channel(func(o *email.Options) { o.Unsubscribe = func(channel.Delivery) string { return test.link } })
			_, err := c.Send(t.Context(), delivery())
			requireKind(t, test.kind, err)
			if test.kind != channel.Unknown {
				return
			}
			head := header(t, s.received()[0])
			require.Equal(t, test.want, head.Get("List-Unsubscribe"))
			require.Equal(t, test.want != "", head.Get("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click")
		})
	}
}

func TestEveryMailWithoutAnIDHasAMessageIDOfItsOwn(t *testing.T) {
	d := delivery()
	d.ID = ""
	one, two := parse(t, render(t, d, nil)), parse(t, render(t, d, nil))
	require.Regexp(t, `^<[A-Z2-7]{26}@example\.com>$`, one.id)
	require.NotEqual(t, one.id, two.id)
}

func TestMessageIDEndsWithTheSendersDomain(t *testing.T) {
	s := serve(t, nil)
	c := email.New("127.0.0.1", `"shop@night"@example.com`, s.options())
	_, err := c.Send(t.Context(), delivery())
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.Equal(t, "<d-7@example.com>", parse(t, s.received()[0].data).id)
}

// parsed is a mail with its parts decoded.
type parsed struct {
	subject, id     string
	part, file, cid map[string]string // keys: media type, file name, file name
}

func parse(t *testing.T, data string) parsed {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(data))
	require.NoError(t, err)
	p := parsed{id: m.Header.Get("Message-ID"), part: map[string]string{}, file: map[string]string{}, cid: map[string]string{}}
	p.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	p.add(t, m.Header, m.Body)
	return p
}

// add adds one part, or all parts of a multipart.
func (p *parsed) add(t *testing.T, head map[string][]string, body io.Reader) {
	t.Helper()
	get := mail.Header(head).Get
	kind, params, err := mime.ParseMediaType(get("Content-Type"))
	require.NoError(t, err)
	if strings.HasPrefix(kind, "multipart/") {
		r := multipart.NewReader(body, params["boundary"])
		for {
			part, err := r.NextRawPart()
			if err == io.EOF {
				return
			}
			require.NoError(t, err)
			p.add(t, part.Header, part)
		}
	}
	switch get("Content-Transfer-Encoding") {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	b, err := io.ReadAll(body)
	require.NoError(t, err)
	_, disposition, err := mime.ParseMediaType(get("Content-Disposition"))
	if name := disposition["filename"]; err == nil {
		p.file[name], p.cid[name] = string(b), get("Content-ID")
	} else {
		p.part[kind] = strings.ReplaceAll(string(b), "\r\n", "\n")
	}
}
