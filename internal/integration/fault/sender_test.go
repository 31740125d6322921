package fault_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/internal/faulttest"
)

// What a message's name begins with.
const (
	plain = "plain-" // sent once
	keyed = "keyed-" // sent again with its key, until Send returns nil
	once  = "once-"  // at most once
)

// sendersAtOnce is how many Sends are under way at a time.
const sendersAtOnce = 4

// sender sends messages at a rate until it is stopped or killed.
func sender(ctx context.Context) error {
	b, err := newBench("sender")
	if err != nil {
		return err
	}
	n, err := notify.New(notify.Config{
		Store: b.with(faulttest.Watch(b.store, b.bomb.At)), Logger: b.log, Channels: notify.Channels{"line": &provider{b}},
	})
	if err != nil {
		return err
	}
	names := make(chan string)
	var working sync.WaitGroup
	for range sendersAtOnce {
		working.Go(func() {
			for name := range names {
				b.send(ctx, n, name)
			}
		})
	}
	tick := time.NewTicker(time.Second / time.Duration(b.Rate))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			close(names)
			working.Wait()
			return n.Close(context.WithoutCancel(ctx))
		case <-tick.C:
			names <- fmt.Sprintf("%s%d-%d", []string{plain, keyed, plain, keyed, once}[i%5], os.Getpid(), i)
		}
	}
}

// send sends the message of a name and notes what came of it. One that was begun is brought to its end when ctx ends.
func (b *bench) send(ctx context.Context, n *notify.Notifier, name string) {
	m := notify.Message{
		To: notify.To("line", name), Content: notify.Content{Text: "hello"}, AtMostOnce: strings.HasPrefix(name, once),
	}
	if strings.HasPrefix(name, keyed) {
		m.Key = name
	}
	b.note(sending, name, "")
	for {
		one, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		r, err := n.Send(one, m)
		cancel()
		switch {
		case err == nil:
			b.note(accepted, name, r.ID)
			return
		case m.Key == "":
			b.note(maybe, name, err.Error())
			return
		case !pause(ctx, 20*time.Millisecond):
			b.note(maybe, name, err.Error())
			return
		}
	}
}

// note writes an entry, or ends the process, which is worth nothing without.
func (b *bench) note(kind, id, text string) {
	if err := b.ledger.Note(faulttest.Entry{Kind: kind, ID: id, Text: text}); err != nil {
		panic(err)
	}
}
