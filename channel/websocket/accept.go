package websocket

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
)

// Identity is the verified identity of a client.
type Identity struct {
	Tenant, User string // User is required, and is the To of the user's deliveries
	// Expires is the time at which the hub closes the connection with [CloseExpired], such as the exp claim of a JWT. The zero time
	// means never.
	Expires time.Time
}

// ServeHTTP upgrades r to a WebSocket connection and returns once the connection is open. It refuses the handshake with 403 for a
// foreign origin, 401 if the authenticator returns an error, 429 beyond Options.MaxPerUser, 503 beyond Options.MaxConnections or
// while the hub closes, and 500 if the hub is not valid or the authenticator panics.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, status := h.admit(r)
	if status != http.StatusOK {
		h.refuse(w, status)
		return
	}
	c := &Conn{hub: h, id: id, out: outbox{limit: h.o.QueueBytes}, work: worker{limit: h.o.QueueBytes}}
	defer func() { // also if the upgrade panics
		if c.ws == nil {
			h.stats.refused.Add(1)
			h.release(id)
		}
	}()
	if c.upgrade(w, r) == nil {
		h.open(c)
	}
}

// admit checks the origin, identifies the client and reserves a place. Any status but 200 is a refusal.
func (h *Hub) admit(r *http.Request) (Identity, int) {
	if h.fault != nil {
		return Identity{}, http.StatusInternalServerError
	}
	if !h.allowed(r) {
		return Identity{}, http.StatusForbidden
	}
	id, err := h.identify(r)
	if errors.Is(err, errPanic) {
		return Identity{}, http.StatusInternalServerError
	}
	if err != nil {
		return Identity{}, http.StatusUnauthorized
	}
	return id, h.reserve(id)
}

var errPanic = errors.New("websocket: the authenticator panicked")

// identify calls the authenticator. An identity without a user, or one that has expired, is an error.
func (h *Hub) identify(r *http.Request) (id Identity, err error) {
	defer func() {
		if v := recover(); v != nil {
			h.o.Logger.Error("panic", "in", "authenticator", "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	id, err = h.auth(r)
	switch {
	case err != nil:
		return Identity{}, err
	case id.User == "":
		return Identity{}, errors.New("websocket: Identity.User is required")
	case !id.Expires.IsZero() && !time.Now().Before(id.Expires):
		return Identity{}, errors.New("websocket: the identity has expired")
	}
	return id, nil
}

// refuse answers with the status alone, so that the client does not learn the reason.
func (h *Hub) refuse(w http.ResponseWriter, status int) {
	h.stats.refused.Add(1)
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(int(h.o.Spread/time.Second)+1))
	}
	http.Error(w, http.StatusText(status), status)
}
