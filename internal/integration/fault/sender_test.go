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

// The prefixes of messages' names.
const (
	plain = "plain-" // one Send
	keyed = "keyed-" // with a key, and repeated until Send returns nil
	once  = "once-"  // with AtMostOnce
)

// sendersAtOnce is the number of concurrent Sends.
const sendersAtOnce = 4

// sender sends messages at a rate until it is stopped or killed.
func sender(ctx context.Context) error {
	b, err := newChild("sender")
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

// send sends the message with a name and notes the result. The end of ctx does not interrupt a Send that has begun.
func (b *child) send(ctx context.Context, n *notify.Notifier, name string) {
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

// note writes an entry, and panics if that fails: without the ledger, the test has no result.
func (b *child) note(kind, id, text string) {
	if err := b.ledger.Note(faulttest.Entry{Kind: kind, ID: id, Text: text}); err != nil {
		panic(err)
	}
}
