package websocket

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"
)

// Identity says who connects.
type Identity struct {
	Tenant, User string // User is required: what deliveries have as To
	// Expires is when the connection is closed with [CloseExpired], such as the exp of a JWT. The zero time is never.
	Expires time.Time
}

// ServeHTTP upgrades r to a WebSocket connection and returns while that lives on. It answers 403 to a foreign origin, 401 to whom
// the authenticator does not know, 429 to a user and 503 to everyone beyond the limits, and 503 while the hub closes.
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

// admit says who r is from and reserves a place, or says with which status to refuse.
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

// identify asks the authenticator. An identity that says nobody, or has ended, is none.
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
		return Identity{}, errors.New("websocket: an identity without a user")
	case !id.Expires.IsZero() && !time.Now().Before(id.Expires):
		return Identity{}, errors.New("websocket: an identity that has expired")
	}
	return id, nil
}

// refuse answers without a reason: who is refused is not told why.
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
