package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing/fstest"
	"time"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/dingtalk"
	"github.com/e7ddda3c/notify/channel/email"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
	"github.com/e7ddda3c/notify/template"
)

// A program makes one Notifier and keeps it. New does no I/O.
func ExampleNew() {
	templates := sms.Templates{"otp": {ID: "SMS_1000001", Sign: "Shop", Params: []string{"code"}}}
	n, err := notify.New(notify.Config{
		Channels: notify.Channels{
			"email": email.New("smtp.example.com", "Shop <shop@example.com>", &email.Options{Username: "shop", Password: "…"}),
			"sms": channel.Failover(
				sms.New(aliyun.New("key", "secret", &aliyun.Options{Templates: templates}), nil),
				sms.New(tencent.New("id", "key", "1400000000", &tencent.Options{Templates: templates}), nil),
			),
			"ops": dingtalk.NewRobot("token", &dingtalk.Options{Secret: "SEC…"}),
		},
		Policies: map[string]notify.Policy{
			"":    {Timeout: 10 * time.Second},
			"sms": {Rate: 50, Burst: 10, Attempts: 2},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close(context.Background())
	fmt.Println("ready")
	// Output: ready
}

// A push to the page, or a text message if the user has no page open.
func ExampleFirst() {
	page := &channeltest.Recorder{Kind: channel.UserID}
	page.Fail(channel.Unreachable) // as a hub answers for a user who is not connected
	n, err := notify.New(notify.Config{Channels: notify.Channels{
		"page": page,
		"sms":  &channeltest.Recorder{Kind: channel.Phone},
	}})
	if err != nil {
		log.Fatal(err)
	}
	report, err := n.Send(context.Background(), notify.Message{
		To:         []notify.Recipient{{ID: "ann", Addresses: map[string][]string{"phone": {"+15005550010"}}}},
		Channels:   []string{"page", "sms"},
		Dispatcher: "first",
		Content:    notify.Content{Text: "Your table is free."},
	})
	fmt.Println("error:", err)
	for _, o := range report.Deliveries {
		fmt.Println(o.Channel, o.Status, o.Reason)
	}
	// Output:
	// error: <nil>
	// page failed unreachable
	// sms sent
}

// A report has the result of each delivery. An error names the field at fault, or has the kind of the failure.
func ExampleReport() {
	n, err := notify.New(notify.Config{Channels: notify.Channels{
		"email": email.New("smtp.example.com", "Shop <shop@example.com>", nil),
	}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	// A fault of the message refuses it whole.
	_, err = n.Send(ctx, notify.Message{To: notify.To("email", "ann@example.com")})
	var field *notify.FieldError
	fmt.Println(errors.As(err, &field), err)

	// A fault of one delivery fails that delivery alone.
	report, err := n.Send(ctx, notify.Message{To: notify.To("email", "ann.example.com"), Content: notify.Content{Text: "Hi"}})
	fmt.Println(errors.Is(err, channel.InvalidRecipient), report.Deliveries[0].Status, report.Deliveries[0].Reason)
	// Output:
	// true notify: content: is required without a template
	// true failed invalid
}

// Templates are files, one for each channel, locale and part. They see the JSON of the message's data.
func ExampleConfig_templates() {
	templates := template.Must(template.New(fstest.MapFS{ // os.DirFS("templates"), or an embed.FS
		"order.shipped/email.title.tmpl":    {Data: []byte(`Order {{.no}} is on its way`)},
		"order.shipped/email.html.tmpl":     {Data: []byte(`<p>Dear {{recipient.data.name}}, {{plural .items "it" "they"}} will be there on {{date "2 January" .at}}.</p>`)},
		"order.shipped/email.de.title.tmpl": {Data: []byte(`Bestellung {{.no}} ist unterwegs`)},
		"order.shipped/email.de.html.tmpl":  {Data: []byte(`<p>Guten Tag {{recipient.data.name}}, am {{date "2.1." .at}} ist alles da.</p>`)},
		"order.shipped/default.text.tmpl":   {Data: []byte(`Order {{.no}} is on its way.`)},
	}, nil))
	mail := &channeltest.Recorder{Kind: channel.Email}
	n, err := notify.New(notify.Config{Channels: notify.Channels{"email": mail}, Templates: templates})
	if err != nil {
		log.Fatal(err)
	}
	_, err = n.Send(context.Background(), notify.Message{
		To: []notify.Recipient{{
			Addresses: map[string][]string{"email": {"ann@example.com"}},
			TimeZone:  "Asia/Shanghai", Data: map[string]any{"name": "Ann & Bob"},
		}},
		Template: "order.shipped",
		Data:     map[string]any{"no": 7, "items": 2, "at": "2026-03-01T20:00:00Z"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(mail.Deliveries()[0].Content.Title)
	fmt.Println(mail.Deliveries()[0].Content.HTML)
	// Output:
	// Order 7 is on its way
	// <p>Dear Ann &amp; Bob, they will be there on 2 March.</p>
}
