// Durable is a web shop that can be killed at any moment. An order and its mail are stored in one transaction, in the shop's own
// SQLite database. The mail is sent even if the process is killed before.
//
//	go run ./examples/durable                   # serve a page that shows the orders and has a button that kills the shop
//	go run ./examples/durable -once -orders 50  # sell, wait for the mails, print the counts as JSON; exit 0 if no mail is missing
//
// The mail provider, a stand-in, records the mails in FILE-mails.jsonl, beside the database.
package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	random "math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	_ "modernc.org/sqlite"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store/sqlstore"
)

func main() {
	file := flag.String("db", "shop.db", "the shop's database `file`, created if it does not exist")
	addr := flag.String("addr", "127.0.0.1:8080", "the `address` of the page")
	once := flag.Bool("once", false, "sell, wait for the mails, print the counts as JSON and exit: 0 if no mail is missing, otherwise 1")
	orders := flag.Int("orders", 50, "the `number` of orders to reach, with -once")
	alone := flag.Bool("alone", false, "do not restart the shop after a kill")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *once:
		err = sell(ctx, os.Stdout, *file, *orders)
	case *alone:
		err = serve(ctx, *file, *addr)
	default:
		err = revive(ctx)
	}
	if err != nil {
		stop()
		log.Fatal(err)
	}
}

// A shop is a program that embeds notify. The tables of the shop and of notify are in one database.
type shop struct {
	db       *sql.DB
	store    *sqlstore.Store
	notifier *notify.Notifier
	mails    string // the file with the provider's record
}

func open(ctx context.Context, file string) (*shop, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	s := &shop{db: db, store: sqlstore.SQLite(db, nil), mails: file + "-mails.jsonl"}
	if err := s.store.Migrate(ctx); err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, buyer TEXT NOT NULL)`); err != nil {
		return nil, err
	}
	s.notifier, err = notify.New(notify.Config{
		Channels: notify.Channels{"email": channel.Func(s.post)}, // for real: email.New("smtp.example.com", "shop@example.com", nil)
		Store:    s.store,
		Policies: map[string]notify.Policy{"email": {Concurrency: 8, Backoff: 300 * time.Millisecond}},
		Engine:   notify.Engine{Lease: 3 * time.Second}, // the delay before another process sends the mails of a killed one; 15 s by default
	})
	return s, err
}

var errDeclined = errors.New("the card was declined")

// buy stores an order and its mail, or neither.
func (s *shop) buy(ctx context.Context, buyer string, declined bool) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	number := rand.Text()[:8]
	if _, err := tx.ExecContext(ctx, `INSERT INTO orders (number, buyer) VALUES (?, ?)`, number, buyer); err != nil {
		return err
	}
	_, err = s.notifier.In(s.store.Tx(tx)).Send(ctx, notify.Message{
		Key: number, To: notify.To("email", buyer),
		Content: notify.Content{Title: "Your order " + number, Text: "Thank you. It is on its way."},
	})
	switch {
	case err != nil:
		return err
	case declined:
		return errDeclined // the rollback discards the mail, too
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.notifier.Wake()
	return nil
}

// A mail is an entry in the provider's record.
type mail struct {
	Delivery, Title string
}

// post stands in for a provider. Its calls take 50 to 250 ms, one in five fails, and the mails are recorded in a file.
func (s *shop) post(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
	time.Sleep(time.Duration(50+random.IntN(200)) * time.Millisecond)
	if random.IntN(5) == 0 {
		return channel.Receipt{}, &channel.Error{Kind: channel.Temporary, Code: "450", Err: errors.New("provider: try again later")}
	}
	f, err := os.OpenFile(s.mails, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return channel.Receipt{}, &channel.Error{Kind: channel.Temporary, Err: err}
	}
	defer f.Close()
	line, err := json.Marshal(mail{d.ID, d.Content.Title})
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	return channel.Receipt{ID: d.ID}, err
}

// arrived counts the mails of each delivery.
func (s *shop) arrived() (map[string]int, error) {
	f, err := os.Open(s.mails)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	count := make(map[string]int)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var m mail
		if json.Unmarshal(lines.Bytes(), &m) == nil { // otherwise the line is still being written
			count[m.Delivery]++
		}
	}
	return count, nil
}

// A status holds the counts and the log entries that the page shows.
type status struct {
	PID     int            `json:"pid"`
	Orders  int            `json:"orders"`
	Mails   int            `json:"mails"`   // orders whose mail has arrived
	Twice   int            `json:"twice"`   // mails that arrived a second time
	Missing int            `json:"missing"` // orders whose mail has not arrived yet
	Log     []notify.Entry `json:"log,omitempty"`
}

func (s *shop) status(ctx context.Context, entries int) (status, error) {
	st := status{PID: os.Getpid()}
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM orders`).Scan(&st.Orders); err != nil {
		return st, err
	}
	count, err := s.arrived()
	if err != nil {
		return st, err
	}
	st.Mails, st.Missing = len(count), st.Orders-len(count)
	for _, n := range count {
		st.Twice += n - 1
	}
	page, err := s.notifier.Log(ctx, notify.Query{Limit: entries})
	st.Log = page.Messages
	return st, err
}

// run runs the notifier beside work. After work it waits for the deliveries in flight.
func (s *shop) run(ctx context.Context, work func(context.Context) error) error {
	defer s.db.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var running sync.WaitGroup
	var failed error
	running.Go(func() {
		failed = s.notifier.Run(ctx)
		stop()
	})
	err := work(ctx)
	stop()
	running.Wait()
	return errors.Join(err, failed)
}

// serve serves the page until ctx is done.
func serve(ctx context.Context, file, addr string) error {
	s, err := open(ctx, file)
	if err != nil {
		return err
	}
	return s.run(ctx, func(ctx context.Context) error {
		server := &http.Server{Addr: addr, Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
		defer context.AfterFunc(ctx, func() { _ = server.Close() })()
		log.Printf("process %d serves http://%s", os.Getpid(), addr)
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}

//go:embed page.html
var pageHTML []byte

func (s *shop) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
		_, _ = w.Write(pageHTML)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		st, err := s.status(r.Context(), 500)
		answer(w, st, err)
	})
	mux.HandleFunc("POST /buy", func(w http.ResponseWriter, r *http.Request) {
		answer(w, "sold", s.buy(r.Context(), "ann@example.com", false))
	})
	mux.HandleFunc("POST /decline", func(w http.ResponseWriter, r *http.Request) {
		answer(w, "", s.buy(r.Context(), "bob@example.com", true))
	})
	mux.HandleFunc("POST /kill", func(http.ResponseWriter, *http.Request) { die() })
	return http.NewCrossOriginProtection().Handler(mux)
}

func answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		v = map[string]string{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(v)
}

// die ends the process as kill -9 does, without any cleanup.
func die() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
}

// revive starts the shop, and restarts it after each kill, until ctx is done.
func revive(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	for {
		shop := exec.CommandContext(ctx, program, append([]string{"-alone"}, os.Args[1:]...)...)
		shop.Stdout, shop.Stderr = os.Stdout, os.Stderr
		shop.Cancel = func() error { return shop.Process.Signal(os.Interrupt) }
		shop.WaitDelay = 10 * time.Second
		err := shop.Run()
		var exit *exec.ExitError
		switch {
		case ctx.Err() != nil:
			return nil
		case !errors.As(err, &exit) || exit.Exited():
			return err
		}
		log.Printf("process %d was killed (%v), starting another", shop.Process.Pid, err)
	}
}

// sell sells until the shop has the given number of orders, then waits for the mails. After every eighth order it also tries one with
// a declined card.
func sell(ctx context.Context, out io.Writer, file string, orders int) error {
	s, err := open(ctx, file)
	if err != nil {
		return err
	}
	return s.run(ctx, func(ctx context.Context) error {
		st, err := s.status(ctx, 1)
		for i := st.Orders; i < orders && err == nil; i++ {
			err = s.buy(ctx, fmt.Sprintf("buyer%d@example.com", i), false)
			if i%8 == 0 && err == nil {
				err = s.buy(ctx, "nobody@example.com", true)
			}
			if errors.Is(err, errDeclined) {
				err = nil
			}
		}
		for err == nil && cmp.Or(st.Missing, orders-st.Orders) != 0 {
			time.Sleep(50 * time.Millisecond)
			st, err = s.status(ctx, 1)
		}
		if err != nil {
			return err
		}
		st.Log = nil
		return json.NewEncoder(out).Encode(st)
	})
}
