// Package httphook serves the HTTP calls in which a vendor reports the fate of a message: sent, delivered, read or bounced. A driver
// brings a [Reader], which authenticates one call and decodes its body; [New] does the rest.
//
//	// Callback returns a handler for Acme's delivery reports, which passes each receipt to sink, such as Notifier.Receive.
//	func Callback(key string, sink httphook.Sink) http.Handler {
//		return httphook.New(func(r *http.Request, body []byte) ([]channel.Receipt, error) {
//			if !signed(key, r.Header.Get("X-Acme-Signature"), body) {
//				return nil, httphook.ErrForbidden
//			}
//			var report struct{ ID, Status string }
//			if err := json.Unmarshal(body, &report); err != nil {
//				return nil, err
//			}
//			return []channel.Receipt{{Provider: "acme", ID: report.ID, Event: events[report.Status]}}, nil
//		}, sink, nil)
//	}
//
// [JSONArray] and [Form] make a Reader for two common kinds of body. [Secret] protects the callbacks of vendors that sign nothing.
//
// # Answers
//
//	200 or 204  the call is settled, and the vendor must not repeat it
//	400         the body is longer than 1 MiB, was cut off, or is not in the vendor's form
//	403         the Reader returned ErrForbidden
//	404         the URL does not end in the secret (see Secret)
//	405         the method is not POST
//	503         the sink failed on a receipt, and the vendor should repeat the call
//
// Some vendors verify a URL by a GET request first; that needs a handler of the driver's own.
//
// # Receipts
//
// A failure on one receipt does not keep the others from the sink. When the vendor repeats the call, all of them come again, so the
// sink must accept a receipt twice. A receipt on which the sink still fails a day after its At is given up: for another system's
// message, say, the vendor would otherwise repeat the call forever.
//
// The sink never sees a receipt without an Event, nor one with neither ID nor DeliveryID. An At in the future is cleared, and so is a
// Code that does not look like one, because free text may hold an address.
package httphook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/internal/code"
)

const (
	maxBody = 1 << 20 // bytes; a hundred reports have about 30,000
	giveUp  = 24 * time.Hour
)

// A Sink takes receipts, as Notifier.Receive does. An error asks for the same receipt again.
type Sink = func(context.Context, channel.Receipt) error

// A Reader returns the receipts that a call brings; body is the whole body of r. Many goroutines may call a Reader at once.
//
// It must return [ErrForbidden] for a call that does not carry the vendor's signature, unless [Secret] guards the handler. Any other
// error means that the body is not in the vendor's form. A call that reports nothing of interest has no receipts and no error.
type Reader func(r *http.Request, body []byte) ([]channel.Receipt, error)

// ErrForbidden is a [Reader]'s error for a call that the vendor did not sign.
var ErrForbidden = errors.New("httphook: the call is not signed by the vendor")

// Options describes the answers that a vendor expects. A nil *Options means all defaults.
type Options struct {
	// Taken is the body of the answer to a settled call, sent with status 200. By default there is none, and the status is 204.
	Taken string
	// Refused is the body of every other answer. By default there is none.
	Refused string
	// ContentType is the media type of both. Defaults to "application/json".
	ContentType string
}

// New returns a handler that passes the receipts of each call from read to sink. It panics if either is nil.
func New(read Reader, sink Sink, o *Options) http.Handler {
	if read == nil {
		panic("httphook: a reader is required")
	}
	if sink == nil {
		panic("httphook: a sink is required")
	}
	h := &handler{read: read, sink: sink}
	if o != nil {
		h.Options = *o
	}
	if h.ContentType == "" {
		h.ContentType = "application/json"
	}
	return h
}

type handler struct {
	Options
	read Reader
	sink Sink
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := h.receive(w, r); status != http.StatusOK {
		h.answer(w, status, h.Refused)
	} else if h.Taken != "" {
		h.answer(w, status, h.Taken)
	} else {
		h.answer(w, http.StatusNoContent, "")
	}
}

// receive handles a call and returns the status to answer with.
func (h *handler) receive(w http.ResponseWriter, r *http.Request) (status int) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil { // too long, or cut off
		return http.StatusBadRequest
	}
	receipts, err := h.read(r, body)
	switch {
	case errors.Is(err, ErrForbidden):
		return http.StatusForbidden
	case err != nil:
		return http.StatusBadRequest
	case !h.pass(r.Context(), receipts, time.Now()):
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// pass hands all receipts to the sink, and reports whether none of them should come again.
func (h *handler) pass(ctx context.Context, receipts []channel.Receipt, now time.Time) bool {
	settled := true
	for _, r := range receipts {
		if r.Event == "" || r.ID == "" && r.DeliveryID == "" {
			continue
		}
		if r.At.After(now) {
			r.At = time.Time{}
		}
		if !code.Valid(r.Code) {
			r.Code = ""
		}
		if h.sink(ctx, r) != nil && (r.At.IsZero() || now.Sub(r.At) < giveUp) {
			settled = false
		}
	}
	return settled
}

func (h *handler) answer(w http.ResponseWriter, status int, body string) {
	if body != "" {
		w.Header().Set("Content-Type", h.ContentType)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
