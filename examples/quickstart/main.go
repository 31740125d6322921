// Quickstart sends one message over four channels: email, SMS, a DingTalk robot and an open web page.
//
// Without configuration, it starts all peers itself: a mail server, stand-ins for Twilio and DingTalk that check the requests, and
// a web page that shows the messages received and sends more. With the environment variables in settings.go, a channel uses the
// real server instead.
//
//	go run ./examples/quickstart          # send, then serve the page until ^C
//	go run ./examples/quickstart -once    # send, print the report as JSON; exit 0 if every peer received the message
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/e7ddda3c/notify"
)

func main() {
	once := flag.Bool("once", false, "send, print the report as JSON and exit: 0 if every peer received the message, otherwise 1")
	addr := flag.String("addr", "127.0.0.1:8080", "the `address` of the page; if it is in use, a free port is taken")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, *addr, *once); err != nil {
		stop()
		log.Fatal(err)
	}
}

// run opens the shop, notifies ann of her parcel, and serves the page until ctx is done.
func run(ctx context.Context, out io.Writer, addr string, once bool) error {
	s, err := openShop(ctx, listen(addr))
	if err != nil {
		return err
	}
	defer s.close()

	parcel := fmt.Sprintf("P-%d", time.Now().UnixMilli()%1_000_000)
	report, err := s.notifier.Send(ctx, notify.Message{
		To:       notify.Users("ann"),
		Channels: []string{"email", "sms", "dingtalk", "page"},
		Template: "parcel.shipped",
		Data:     map[string]any{"number": parcel, "items": 2, "total": 4250},
	})
	if report.ID == "" {
		return err // the whole message was refused
	}
	if once {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return printJSON(out, report, s.peers.missing(ctx, report, parcel))
	}
	printTable(out, report)
	fmt.Fprintf(out, "\nOpen http://%s to see the messages received, and to send more. Press ^C to stop.\n", s.addr)
	return s.serve(ctx)
}

// listen listens on addr, or on a free port if addr is in use.
func listen(addr string) func() (net.Listener, error) {
	return func() (net.Listener, error) {
		if l, err := net.Listen("tcp", addr); err == nil {
			return l, nil
		}
		return net.Listen("tcp", "127.0.0.1:0")
	}
}

func printJSON(out io.Writer, r notify.Report, missing []string) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("not received: %v", missing)
	}
	return nil
}

func printTable(out io.Writer, r notify.Report) {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "CHANNEL\tTO\tSTATUS\tATTEMPTS\t")
	for _, o := range r.Deliveries {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t", o.Channel, o.To, o.Status, o.Attempts)
		if o.Err != nil {
			fmt.Fprint(w, o.Err)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}
