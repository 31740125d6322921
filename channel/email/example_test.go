package email_test

import (
	"encoding/json"
	"fmt"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

func ExampleNew() {
	c := email.New("smtp.example.com", "Shop <shop@example.com>", &email.Options{
		Username: "shop", Password: "correct horse",
		ReplyTo: "help@example.com",
	})
	defer c.Close()

	d := channel.Delivery{
		ID: "9f1c", To: "ann@example.com",
		Content: channel.Content{Title: "Your order is on its way", Text: "It arrives tomorrow.", HTML: "<p>It arrives <b>tomorrow</b>.</p>"},
		Extra:   json.RawMessage(`{"importance": "high"}`),
	}
	fmt.Println(c.Valid(), c.Validate(d))

	d.To = "ann"
	fmt.Println(c.Validate(d))
	// Output:
	// <nil> <nil>
	// to: email: must be one bare address of the form user@host (invalid_recipient)
}
