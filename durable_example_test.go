package notify_test

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
	"github.com/e7ddda3c/notify/channel/sms/twilio"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

type purchase struct{ ID, Buyer string }

func mail(o purchase) notify.Message {
	return notify.Message{To: notify.Users(o.Buyer), Channels: []string{"email"}, Template: "order.received", Data: o, Key: "order " + o.ID}
}

// Any number of processes may run on one store.
func ExampleNotifier_Run() {
	var db *sql.DB // of any driver
	var channels notify.Channels
	_ = func(ctx context.Context) error {
		st := sqlstore.Postgres(db, nil)
		if err := st.Migrate(ctx); err != nil {
			return err
		}
		n, err := notify.New(notify.Config{Store: st, Channels: channels})
		if err != nil {
			return err
		}
		return n.Run(ctx) // sends the messages of all processes until ctx ends, then waits for calls in flight
	}
}

// An order and its mail are committed together, or not at all.
func ExampleNotifier_In() {
	var db *sql.DB
	var st *sqlstore.Store
	var n *notify.Notifier
	_ = func(ctx context.Context, order purchase) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, `INSERT INTO orders (id, buyer) VALUES ($1, $2)`, order.ID, order.Buyer); err != nil {
			return err
		}
		if _, err := n.In(st.Tx(tx)).Send(ctx, mail(order)); err != nil {
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
		n.Wake() // optional: without it, the next poll finds the message
		return nil
	}
}

// Providers report by HTTP calls to the host whether a message was delivered or bounced.
func ExampleNotifier_Receive() {
	var n *notify.Notifier
	mux := http.NewServeMux()
	mux.Handle("POST /callbacks/twilio", twilio.Callback("auth token", "https://shop.example.com/callbacks/twilio", n.Receive))
	mux.Handle("POST /callbacks/aliyun/", aliyun.Callback("a-long-secret-of-your-own", n.Receive)) // …/aliyun/<secret>
	mux.Handle("POST /callbacks/tencent/", tencent.Callback("a-long-secret-of-your-own", n.Receive))
}
