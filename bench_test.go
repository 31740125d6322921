package notify_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

func BenchmarkSend(b *testing.B) {
	for _, k := range []int{1, 5} {
		b.Run(fmt.Sprint(k), func(b *testing.B) {
			cs := notify.Channels{}
			r := notify.Recipient{ID: "ann", Addresses: map[string][]string{}}
			names := []string{}
			for i := range k {
				name := fmt.Sprint("c", i)
				names = append(names, name)
				cs[name] = channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) { return channel.Receipt{}, nil })
				r.Addresses[name] = []string{"x"}
			}
			n, err := notify.New(notify.Config{Channels: cs})
			if err != nil {
				b.Fatal(err)
			}
			m := notify.Message{To: []notify.Recipient{r}, Channels: names, Content: notify.Content{Title: "a", Text: "b"}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := n.Send(context.Background(), m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
