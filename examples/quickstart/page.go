package main

import (
	"context"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	coder "github.com/coder/websocket"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel/websocket"
)

//go:embed page.html
var pageHTML []byte

func (s *shop) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.showPage)
	mux.Handle("GET /ws", s.hub)
	mux.HandleFunc("GET /arrivals", s.private(func(w http.ResponseWriter, _ *http.Request) {
		arrived, _ := s.peers.arrivals()
		answer(w, http.StatusOK, arrived)
	}))
	mux.HandleFunc("POST /send", s.private(s.send))
	mux.HandleFunc("POST /peers", s.private(s.setPeers))
	return http.NewCrossOriginProtection().Handler(mux)
}

// visitor identifies a visitor by the session, which a browser sends as a cookie, and other clients as a bearer token.
func (s *shop) visitor(r *http.Request) (websocket.Identity, error) {
	token := websocket.Token(r)
	if c, err := r.Cookie("session"); err == nil && token == "" {
		token = c.Value
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(s.session)) != 1 {
		return websocket.Identity{}, errors.New("unknown session")
	}
	return websocket.Identity{User: "ann"}, nil
}

func (s *shop) private(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.visitor(r); err != nil {
			answer(w, http.StatusUnauthorized, map[string]string{"error": "open the page first"})
			return
		}
		h(w, r)
	}
}

// showPage logs every visitor in as ann. A real shop would ask for a password.
func (s *shop) showPage(w http.ResponseWriter, _ *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "session", Value: s.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
	_, _ = w.Write(pageHTML)
}

// send sends the message in the form and answers with the report.
func (s *shop) send(w http.ResponseWriter, r *http.Request) {
	var form struct {
		Title, Text, Dispatcher string
		Channels                []string
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&form); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "the body must be JSON"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
	defer cancel()
	report, err := s.notifier.Send(ctx, notify.Message{
		To: notify.Users("ann"), Channels: form.Channels, Dispatcher: form.Dispatcher,
		Content: notify.Content{Title: form.Title, Text: form.Text},
	})
	var refused *notify.FieldError
	if errors.As(err, &refused) {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
		return
	}
	answer(w, http.StatusOK, report)
}

// setPeers sets the behavior of peers, to show how failures are handled.
func (s *shop) setPeers(w http.ResponseWriter, r *http.Request) {
	var behaviors map[string]string
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&behaviors); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "the body must be JSON"})
		return
	}
	for channel, behavior := range behaviors {
		if !slices.Contains([]string{"", "throttles", "refuses"}, behavior) {
			answer(w, http.StatusUnprocessableEntity, map[string]string{"error": channel + ": must be empty, throttles or refuses"})
			return
		}
		s.peers.setBehavior(channel, behavior)
	}
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// A window stands in for an open page: a socket of ann's that records the frames it receives as arrivals.
type window struct {
	conn *coder.Conn
	done sync.WaitGroup
}

// openWindow returns when the hub knows the socket, which is a moment after the handshake.
func openWindow(ctx context.Context, url, session string, hub *websocket.Hub, p *peers) (*window, error) {
	conn, _, err := coder.Dial(ctx, url, &coder.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + session}}, Subprotocols: []string{websocket.Subprotocol},
	})
	if err != nil {
		return nil, err
	}
	for hub.Count(websocket.Everyone()) == 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	w := &window{conn: conn}
	w.done.Go(func() { w.read(p) })
	return w, nil
}

func (w *window) read(p *peers) {
	for {
		_, data, err := w.conn.Read(context.Background())
		if err != nil {
			return
		}
		var f websocket.Frame
		if json.Unmarshal(data, &f) == nil && f.ID != "" {
			p.arrive(arrival{Channel: "page", Title: f.Title, Text: f.Text, Detail: "WebSocket: ann's socket, frame " + string(f.Type)})
		}
	}
}

func (w *window) close() {
	_ = w.conn.CloseNow()
	w.done.Wait()
}
