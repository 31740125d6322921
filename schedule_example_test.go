package notify_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/store/memory"
)

// A report is sent every Monday at nine, Berlin time, by any process that calls Run on the store.
func ExampleNotifier_Schedule() {
	ctx := context.Background()
	n, err := notify.New(notify.Config{
		Channels: notify.Channels{"email": &channeltest.Recorder{}},
		Store:    memory.New(), // for real: sqlstore.Postgres(db, nil)
	})
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close(ctx)

	err = n.Schedule(ctx, notify.Schedule{
		Name:     "weekly-report",
		Cron:     "0 9 * * MON",
		TimeZone: "Europe/Berlin",
		Message: notify.Message{
			To:       notify.To("email", "ann@example.com"),
			Channels: []string{"email"},
			Content:  notify.Content{Title: "Your week", Text: "Here is what happened."},
		},
		ExpireAfter: 12 * time.Hour, // not after 21:00 on Monday
	})
	if err != nil {
		log.Fatal(err) // notify: cron: hour "24": "24" must be a number from 0 to 23
	}

	all, err := n.Schedules(ctx, "")
	if err != nil {
		log.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range all {
		fmt.Println(s.Name, s.NextAt.In(berlin).Format("Monday 15:04"))
	}
	// Output: weekly-report Monday 09:00
}
