package console_test

import (
	"context"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/console"
)

func Example() {
	c := console.New(nil)
	c.Send(context.Background(), channel.Delivery{
		ID: "d-1", Channel: "email", To: "ann@example.com", Attempt: 1,
		Content:     channel.Content{Title: "Order shipped", Text: "Your parcel is on its way.\nIt comes on Monday."},
		Attachments: []channel.Attachment{{Name: "bill.pdf", Data: make([]byte, 2048)}},
	})
	// Output:
	// email to ann@example.com, delivery d-1
	//   title     Order shipped
	//   text      Your parcel is on its way.
	//             It comes on Monday.
	//   file      bill.pdf, 2048 bytes
}
