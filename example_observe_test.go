package notify_test

import (
	"context"
	"expvar"
	"fmt"
	"log"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
)

// Dead letters are counted in one of the program's published variables.
func ExampleTransition() {
	var deadLetters expvar.Map // for real: expvar.NewMap("dead_letters")
	email := &channeltest.Recorder{}
	email.Fail(channel.Temporary)
	n, err := notify.New(notify.Config{
		Channels: notify.Channels{"email": email},
		Policies: map[string]notify.Policy{"email": {Attempts: 1}},
		OnTransition: func(t notify.Transition) {
			if t.Event == notify.TransitionSettled && t.Reason == notify.ReasonExhausted {
				deadLetters.Add(t.Channel, 1)
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	_, _ = n.Send(context.Background(), notify.Message{
		To: notify.To("email", "ann@example.com"), Content: notify.Content{Text: "Hello"},
	})
	fmt.Println(&deadLetters)
	// Output: {"email": 1}
}
