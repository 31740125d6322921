package email_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

func TestValidate(t *testing.T) {
	file := channel.Attachment{Name: "invoice.pdf", Data: []byte("%PDF")}
	tests := map[string]struct {
		change    func(*channel.Delivery)
		wantField string // "" for a valid delivery
		wantKind  channel.Kind
	}{
		"takes a subject alone":             {change: func(d *channel.Delivery) { d.Content = channel.Content{Title: "Build failed"} }},
		"takes a text alone":                {change: func(d *channel.Delivery) { d.Content = channel.Content{Text: "Build failed"} }},
		"takes a link alone":                {change: func(d *channel.Delivery) { d.Content = channel.Content{URL: "https://example.com/"} }},
		"takes a file alone":                {change: func(d *channel.Delivery) { d.Content, d.Attachments = channel.Content{}, []channel.Attachment{file} }},
		"takes a local host":                {change: func(d *channel.Delivery) { d.To = "ann@localhost" }},
		"takes a plus and dots":             {change: func(d *channel.Delivery) { d.To = "ann.lee+shop@mail.example.com" }},
		"takes a mailbox beyond ASCII":      {change: func(d *channel.Delivery) { d.To = "用户@例子.example" }},
		"refuses no address":                {func(d *channel.Delivery) { d.To = "" }, "to", channel.InvalidRecipient},
		"refuses a name for an address":     {func(d *channel.Delivery) { d.To = "ann" }, "to", channel.InvalidRecipient},
		"refuses a display name":            {func(d *channel.Delivery) { d.To = "Ann <ann@example.com>" }, "to", channel.InvalidRecipient},
		"refuses brackets":                  {func(d *channel.Delivery) { d.To = "<ann@example.com>" }, "to", channel.InvalidRecipient},
		"refuses a comment":                 {func(d *channel.Delivery) { d.To = "ann@example.com (Ann)" }, "to", channel.InvalidRecipient},
		"refuses a quoted mailbox":          {func(d *channel.Delivery) { d.To = `"ann lee"@example.com` }, "to", channel.InvalidRecipient},
		"refuses two addresses":             {func(d *channel.Delivery) { d.To = "ann@example.com, bob@example.com" }, "to", channel.InvalidRecipient},
		"refuses a line break in it":        {func(d *channel.Delivery) { d.To = "ann@example.com\r\nBcc: bob@example.com" }, "to", channel.InvalidRecipient},
		"refuses a long address":            {func(d *channel.Delivery) { d.To = strings.Repeat("a", 250) + "@example.com" }, "to", channel.InvalidRecipient},
		"refuses no content":                {func(d *channel.Delivery) { d.Content = channel.Content{} }, "content", channel.Rejected},
		"refuses an approved text":          {func(d *channel.Delivery) { d.Content = channel.Content{Approved: &channel.Approved{Name: "otp"}} }, "content", channel.Rejected},
		"refuses CR LF in the subject":      {func(d *channel.Delivery) { d.Content.Title = "a\r\nBcc: x@example.com" }, "content.title", channel.Rejected},
		"refuses LF in the subject":         {func(d *channel.Delivery) { d.Content.Title = "a\nb" }, "content.title", channel.Rejected},
		"refuses NUL in the subject":        {func(d *channel.Delivery) { d.Content.Title = "a\x00b" }, "content.title", channel.Rejected},
		"refuses a C1 control in it":        {func(d *channel.Delivery) { d.Content.Title = "a\u0085b" }, "content.title", channel.Rejected},
		"refuses a broken subject":          {func(d *channel.Delivery) { d.Content.Title = "a\xffb" }, "content.title", channel.Rejected},
		"refuses a word of a thousand":      {func(d *channel.Delivery) { d.Content.Title = strings.Repeat("a", 1000) }, "content.title", channel.Rejected},
		"refuses an id that is no token":    {func(d *channel.Delivery) { d.ID = "d>7" }, "id", channel.Rejected},
		"refuses an unknown extra":          {extra(`{"cc": "bob@example.com"}`), "extra.cc", channel.Rejected},
		"refuses a bad reply-to":            {extra(`{"reply_to": "bob"}`), "extra.reply_to", channel.Rejected},
		"refuses CR LF in reply-to":         {extra(`{"reply_to": "Bob <bob@example.com>\r\nX: y"}`), "extra.reply_to", channel.Rejected},
		"refuses an unknown importance":     {extra(`{"importance": "urgent"}`), "extra.importance", channel.Rejected},
		"takes a header":                    {change: extra(`{"headers": {"X-Campaign": "spring 2026", "Feedback-ID": "1:2:shop"}}`)},
		"refuses From":                      {extra(`{"headers": {"From": "x@example.com"}}`), "extra.headers.From", channel.Rejected},
		"refuses bcc in small letters":      {extra(`{"headers": {"bcc": "x@example.com"}}`), "extra.headers.bcc", channel.Rejected},
		"refuses Subject":                   {extra(`{"headers": {"SUBJECT": "x"}}`), "extra.headers.SUBJECT", channel.Rejected},
		"refuses a signature":               {extra(`{"headers": {"DKIM-Signature": "v=1"}}`), "extra.headers.DKIM-Signature", channel.Rejected},
		"refuses a content header":          {extra(`{"headers": {"Content-Type": "text/html"}}`), "extra.headers.Content-Type", channel.Rejected},
		"refuses CR LF in a header":         {extra(`{"headers": {"X-A": "b\r\nBcc: x@example.com"}}`), "extra.headers.X-A", channel.Rejected},
		"refuses CR LF in a header's name":  {extra(`{"headers": {"X-A\r\nBcc": "b"}}`), "extra.headers", channel.Rejected},
		"refuses a colon in a header name":  {extra(`{"headers": {"Bcc:": "b"}}`), "extra.headers", channel.Rejected},
		"refuses a header without a name":   {extra(`{"headers": {"": "b"}}`), "extra.headers", channel.Rejected},
		"refuses a nameless file":           {attach(channel.Attachment{Data: []byte("x")}), "attachments[0].name", channel.Rejected},
		"refuses CR LF in a file's name":    {attach(channel.Attachment{Name: "a\r\nb.pdf"}), "attachments[0].name", channel.Rejected},
		"refuses a file's endless name":     {attach(channel.Attachment{Name: strings.Repeat("名", 100)}), "attachments[0].name", channel.Rejected},
		"refuses a type that is none":       {attach(channel.Attachment{Name: "a", Type: "pdf"}), "attachments[0].type", channel.Rejected},
		"refuses CR LF in a type":           {attach(channel.Attachment{Name: "a", Type: "text/plain\r\nX: y"}), "attachments[0].type", channel.Rejected},
		"refuses CR LF in a type parameter": {attach(channel.Attachment{Name: "a", Type: "text/plain; charset=\"\r\nX: y\""}), "attachments[0].type", channel.Rejected},
		"refuses a multipart":               {attach(channel.Attachment{Name: "a", Type: "multipart/mixed"}), "attachments[0].type", channel.Rejected},
		"refuses a content id with a space": {attach(file, channel.Attachment{Name: "a", ContentID: "lo go"}), "attachments[1].content_id", channel.Rejected},
		"refuses CR LF in a content id":     {attach(channel.Attachment{Name: "a", ContentID: "a\r\nb"}), "attachments[0].content_id", channel.Rejected},
		"refuses a file that is too large":  {attach(channel.Attachment{Name: "a", Data: make([]byte, 20<<20)}), "attachments[0]", channel.Rejected},
		"refuses the file that is too much": {attach(channel.Attachment{Name: "a", Data: make([]byte, 10<<20)}, channel.Attachment{Name: "b", Data: make([]byte, 10<<20)}), "attachments[1]", channel.Rejected},
		"refuses a type that names a file":  {attach(channel.Attachment{Name: "a", Type: "text/plain; name=b"}), "attachments[0].type", channel.Rejected},
		"refuses a type without its end":    {attach(channel.Attachment{Name: "a", Type: "text/plain;"}), "attachments[0].type", channel.Rejected},
		"refuses an endless reply-to":       {extra(`{"reply_to": "` + strings.Repeat("é", 1000) + ` <bob@example.com>"}`), "extra.reply_to", channel.Rejected},
		"refuses an encoded word too long":  {extra(`{"reply_to": "=?utf-8?b?` + strings.Repeat("IiIi", 200) + `?= <bob@example.com>"}`), "extra.reply_to", channel.Rejected},
		"refuses a title that is too large": {func(d *channel.Delivery) { d.Content.Title = strings.Repeat("word ", 5<<20) }, "content.title", channel.Rejected},
		"refuses headers too large":         {extra(`{"headers": {"X-A": "` + strings.Repeat("word ", 5<<20) + `"}}`), "extra.headers", channel.Rejected},
		"refuses a text that is too large":  {func(d *channel.Delivery) { d.Content.Text = strings.Repeat("字", 3<<20) }, "content.text", channel.Rejected},
		"refuses Markdown that is too large": {func(d *channel.Delivery) {
			d.Content.Text, d.Content.Markdown = "", strings.Repeat("字", 3<<20)
		}, "content.markdown", channel.Rejected},
		"refuses HTML that is too large": {func(d *channel.Delivery) { d.Content.HTML = strings.Repeat("a", 25<<20) }, "content.html", channel.Rejected},
	}
	c := email.New("mail.example.net", from, nil)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := delivery()
			test.change(&d)
			err := c.Validate(d)
			requireKind(t, test.wantKind, err)
			if test.wantField == "" {
				return
			}
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.wantField, e.Field)
			_, err = c.Send(t.Context(), d) // refuses d too, before connecting
			requireKind(t, test.wantKind, err)
		})
	}
}

func extra(s string) func(*channel.Delivery) {
	return func(d *channel.Delivery) { d.Extra = json.RawMessage(s) }
}

func attach(files ...channel.Attachment) func(*channel.Delivery) {
	return func(d *channel.Delivery) { d.Attachments = files }
}

func TestMaxSizeIsAnOption(t *testing.T) {
	d := delivery()
	d.Attachments = []channel.Attachment{{Name: "a", Data: make([]byte, 10_000)}}
	require.NoError(t, email.New("mail.example.net", from, &email.Options{MaxSize: 20_000}).Validate(d))
	require.ErrorIs(t, email.New("mail.example.net", from, &email.Options{MaxSize: 10_000}).Validate(d), channel.Rejected)
}

func TestValid(t *testing.T) {
	tests := map[string]struct {
		host, from string
		o          email.Options
		good       bool
	}{
		"takes a host and a mailbox":            {host: "mail.example.net", from: "shop@example.com", good: true},
		"takes a name beyond ASCII":             {host: "mail.example.net", from: "商店 <shop@example.com>", good: true},
		"takes an IPv6 address":                 {host: "::1", from: from, good: true},
		"takes a login":                         {host: "h", from: from, o: email.Options{Username: "u", Password: "p"}, good: true},
		"takes a login with a mechanism":        {host: "h", from: from, o: email.Options{Username: "u", Password: "p", Auth: email.AuthLogin}, good: true},
		"refuses no host":                       {from: from},
		"refuses a URL for a host":              {host: "smtp://mail.example.net", from: from},
		"refuses a port in the host":            {host: "mail.example.net:587", from: from},
		"refuses a line break in the host":      {host: "mail\r\n", from: from},
		"refuses no sender":                     {host: "h"},
		"refuses a sender that is no mailbox":   {host: "h", from: "Shop"},
		"refuses CR LF in the sender":           {host: "h", from: "Shop\r\n <shop@example.com>"},
		"refuses a sender's domain as it looks": {host: "h", from: "shop@例子.example"},
		"refuses a reply-to that is no mailbox": {host: "h", from: from, o: email.Options{ReplyTo: "help"}},
		"refuses a negative port":               {host: "h", from: from, o: email.Options{Port: -1}},
		"refuses a port beyond 65535":           {host: "h", from: from, o: email.Options{Port: 65536}},
		"refuses an unknown TLS":                {host: "h", from: from, o: email.Options{TLS: "ssl"}},
		"refuses an unknown Auth":               {host: "h", from: from, o: email.Options{Username: "u", Password: "p", Auth: "NTLM"}},
		"refuses a password without a user":     {host: "h", from: from, o: email.Options{Password: "p"}},
		"refuses a mechanism without a user":    {host: "h", from: from, o: email.Options{Auth: email.AuthPlain}},
		"refuses a user without a password":     {host: "h", from: from, o: email.Options{Username: "u"}},
		"refuses to show the password":          {host: "h", from: from, o: email.Options{Username: "u", Password: "p", TLS: email.TLSNone, Auth: email.AuthPlain}},
		"shows it on this machine":              {host: "localhost", from: from, o: email.Options{Username: "u", Password: "p", TLS: email.TLSNone, Auth: email.AuthPlain}, good: true},
		"shows it if that is allowed":           {host: "h", from: from, o: email.Options{Username: "u", Password: "p", TLS: email.TLSNone, Auth: email.AuthPlain, ClearTextAuth: true}, good: true},
		"hides it by a mechanism":               {host: "h", from: from, o: email.Options{Username: "u", Password: "p", TLS: email.TLSNone, Auth: email.AuthSCRAMSHA256}, good: true},
		"refuses a negative pool":               {host: "h", from: from, o: email.Options{Pool: -1}},
		"refuses a negative idle timeout":       {host: "h", from: from, o: email.Options{IdleTimeout: -time.Second}},
		"refuses a negative size":               {host: "h", from: from, o: email.Options{MaxSize: -1}},
		"refuses a HELO that is none":           {host: "h", from: from, o: email.Options{HELO: "a b"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := email.New(test.host, test.from, &test.o)
			if test.good {
				require.NoError(t, c.Valid())
				return
			}
			requireKind(t, channel.Misconfigured, c.Valid())
			require.ErrorIs(t, c.Validate(delivery()), channel.Misconfigured)
			_, err := c.Send(t.Context(), delivery())
			require.ErrorIs(t, err, channel.Misconfigured)
		})
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"ann@example.com", "Ann <ann@example.com>", `"a b"@example.com`, "a@b\r\nRCPT TO:<x@y>", "用户@例子.example", "a@[127.0.0.1]", "@", "a b@c", "ann@example.com\u2028"} {
		f.Add(s)
	}
	c := email.New("mail.example.net", from, nil)
	f.Fuzz(func(t *testing.T, to string) {
		d := delivery()
		d.To = to
		err := c.Validate(d)
		var e *channel.Error
		if errors.As(err, &e) {
			require.Equal(t, "to", e.Field)
			require.Equal(t, channel.InvalidRecipient, e.Kind)
			return
		}
		require.NoError(t, err)
		require.NotContains(t, to, " ")
		require.False(t, strings.ContainsAny(to, "\r\n\t<>\x00,"), "%q", to)
		at := strings.LastIndex(to, "@")
		require.Positive(t, at)
		require.Less(t, at, len(to)-1)
	})
}
