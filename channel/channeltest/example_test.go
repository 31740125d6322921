package channeltest_test

import (
	"context"
	"fmt"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
)

// An application's test hands the recorder to notify.New in place of the driver.
func ExampleRecorder() {
	mail := &channeltest.Recorder{Kind: channel.Email}
	d := channel.Delivery{ID: "d-1", To: "ann@example.com", Content: channel.Content{Title: "Order shipped"}}

	mail.Send(context.Background(), d)
	for _, d := range mail.Deliveries() {
		fmt.Printf("%s: %s\n", d.To, d.Content.Title)
	}

	mail.Fail(&channel.Error{Kind: channel.RateLimited})
	_, err := mail.Send(context.Background(), d)
	fmt.Println(err)
	// Output:
	// ann@example.com: Order shipped
	// (rate_limited)
}
