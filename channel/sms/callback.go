package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

const (
	maxCallback = 1 << 20 // bytes; a hundred reports have about 30,000
	minSecret   = 16
	giveUp      = 24 * time.Hour
)

// A sink takes receipts: Notifier.Receive, or the like.
type sink = func(context.Context, channel.Receipt) error

// readCallback returns the body of a POST. Anything else it answers itself.
func readCallback(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		w.WriteHeader(http.StatusMethodNotAllowed)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if err != nil { // too large, or cut off
		w.WriteHeader(http.StatusBadRequest)
		return nil, false
	}
	return body, true
}

// pass hands all receipts to the sink, whatever becomes of one, and reports whether there is none to be brought again. Those that
// were taken may well be: they change nothing more. One that still finds no taker after a day is given up, so that no vendor repeats
// for ever what is not ours.
func pass(ctx context.Context, receipts []channel.Receipt, to sink) bool {
	all := true
	for _, r := range receipts {
		if to(ctx, r) != nil && (r.At.IsZero() || time.Since(r.At) < giveUp) {
			all = false
		}
	}
	return all
}

// A report is what a vendor pushes about one message.
type report interface {
	receipt(now time.Time) channel.Receipt
}

// A pushed handler serves vendors that push reports as a JSON array and do not sign them: the URL's last segment must be the secret.
type pushed[T report] struct {
	secret      [sha256.Size]byte
	sink        sink
	taken, left string // what the vendor is told: all is well; bring it again
}

// push returns a handler for reports of type T.
func push[T report](name, secret string, to sink, taken, left string) http.Handler {
	odd := func(r rune) bool { return r >= 0x80 || !strings.ContainsRune("-._~", r) && !alphanumeric(byte(r)) }
	if len(secret) < minSecret || strings.ContainsFunc(secret, odd) {
		panic("sms: " + name + " needs a secret of 16 or more letters, digits, '-', '.', '_' and '~'")
	}
	if to == nil {
		panic("sms: " + name + " needs a sink")
	}
	return &pushed[T]{secret: sha256.Sum256([]byte(secret)), sink: to, taken: taken, left: left}
}

func alphanumeric(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' }

func (p *pushed[T]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given := sha256.Sum256([]byte(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]))
	if !hmac.Equal(given[:], p.secret[:]) {
		http.NotFound(w, r)
		return
	}
	body, ok := readCallback(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	receipts, ok := receiptsOf[T](body, time.Now())
	switch {
	case !ok:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, p.left)
	case !pass(r.Context(), receipts, p.sink):
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, p.left)
	default:
		_, _ = io.WriteString(w, p.taken)
	}
}

// receiptsOf reads an array of reports. A report that tells nothing, or not of what, is left out.
func receiptsOf[T report](body []byte, now time.Time) (rs []channel.Receipt, ok bool) {
	var reports []T
	if err := json.Unmarshal(body, &reports); err != nil {
		return nil, false
	}
	for _, one := range reports {
		if r := one.receipt(now); r.Event != "" && (r.ID != "" || r.DeliveryID != "") {
			rs = append(rs, r)
		}
	}
	return rs, reports != nil
}

// A loose value is a string, or the JSON of what vendors write in its place: a number, true, false. Null is nothing.
type loose string

func (l *loose) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		var s string
		err := json.Unmarshal(b, &s)
		*l = loose(s)
		return err
	}
	*l = loose(strings.TrimSuffix(string(b), "null"))
	return nil
}

// beijing reads a time of day there. It is zero if it is none, or to come.
func (l loose) beijing(now time.Time) time.Time {
	t, err := time.ParseInLocation(time.DateTime, string(l), time.FixedZone("", 8*60*60))
	if err != nil || t.After(now) {
		return time.Time{}
	}
	return t.UTC()
}

// code is a vendor's own, unless it could be anything.
func (l loose) code() string {
	if len(l) > 100 || !word(strings.ReplaceAll(string(l), ":", "")) { // carriers' have a colon: MK:0001
		return ""
	}
	return string(l)
}

// bounce is the Kind of a receipt for a message that came back.
func (v verdict) bounce() channel.Kind {
	if v.kind == channel.InvalidRecipient || v.kind == channel.Rejected {
		return v.kind
	}
	return channel.Unreachable
}
