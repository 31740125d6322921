package twilio_test

import (
	"fmt"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/twilio"
)

func ExampleNew() {
	c := sms.New(twilio.New("ACtestid", "authToken", "+15005550001", &twilio.Options{
		StatusCallback: "https://example.com/hooks/twilio",
	}), nil)
	fmt.Println(c.Valid())
	fmt.Println(c.Validate(channel.Delivery{ID: "d-1", To: "5005550006", Content: channel.Content{Text: "hello"}}))
	// Output:
	// <nil>
	// to: sms: must be a number with '+' and country code (invalid_recipient)
}
