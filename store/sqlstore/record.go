package sqlstore

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/store"
)

const (
	messageColumns = "id, tenant, idem, dispatcher, category, class, template, at_most_once, expire_at, accepted_at, body"
	// insertedMessage and insertedDelivery are the columns that are set when a message is accepted; the others have defaults.
	insertedMessage  = messageColumns + ", hash"
	insertedDelivery = "message, recipient, place, lane, live, due, status, reason, at, not_before, user_id, address, locale, grouped, suppression, failure, body"
	deliveryColumns  = `d.message, d.recipient, d.place, d.claim, d.lane, d.user_id, d.address, d.locale, d.grouped, d.canceled, d.status, d.reason,
		d.at, d.due, d.not_before, d.attempts, d.spent, d.doubt, d.duplicate, d.provider_id, d.lapsed, d.marked, d.wakes, d.leased, d.failure, d.body`
	claimedColumns = deliveryColumns + ", (select s.reason from {suppressions} s where s.hash = d.suppression) as suppressed"
	attemptColumns = "message, recipient, place, claim, at, took, status, reason, provider, provider_id, code, duplicate, failure"
)

// A row is a delivery as it is stored.
type row struct {
	store.Delivery
	leased     bool
	due        int64        // set for settled deliveries, too
	suppressed store.Reason // of the suppression, if there is one; set by claims only
}

// into returns the destinations of a scan of deliveryColumns, and a function to call after the scan.
func (r *row) into() ([]any, func() error) {
	var id uuid
	var at, notBefore int64
	var failure string
	d := &r.Delivery
	return []any{&id, &d.Recipient, &d.Place, &d.Claim, &d.Lane, &d.User, &d.To, &d.Locale, &d.Grouped, &d.Canceled, &d.Status, &d.Reason,
			&at, &r.due, &notBefore, &d.Attempts, &d.Spent, &d.Doubt, &d.Duplicate, &d.ProviderID, &d.Lapsed, &d.Marked, &d.Wakes, &r.leased,
			&failure, &d.Body},
		func() (err error) {
			d.MessageID, d.At, d.NotBefore = string(id), instant(at), instant(notBefore)
			if !d.Status.Settled() {
				d.Due = instant(r.due)
			}
			d.Failure, err = failureOf(failure)
			return err
		}
}

func scanRow(rows *sql.Rows, more ...any) (*row, error) {
	r := &row{}
	into, finish := r.into()
	if err := rows.Scan(append(into, more...)...); err != nil {
		return nil, err
	}
	return r, finish()
}

// scanClaimed scans the claimedColumns.
func scanClaimed(rows *sql.Rows, more ...any) (*row, error) {
	var why sql.NullString
	r, err := scanRow(rows, append([]any{&why}, more...)...)
	if err == nil {
		r.suppressed = store.Reason(why.String)
	}
	return r, err
}

func scanMessage(rows *sql.Rows) (*store.Message, error) {
	m := &store.Message{}
	var id uuid
	var key sql.NullString
	var expire, accepted int64
	if err := rows.Scan(&id, &m.Tenant, &key, &m.Dispatcher, &m.Category, &m.Class, &m.Template, &m.AtMostOnce, &expire, &accepted, &m.Body); err != nil {
		return nil, err
	}
	m.ID, m.Key, m.ExpireAt, m.AcceptedAt = string(id), key.String, instant(expire), instant(accepted)
	return m, nil
}

func scanAttempt(rows *sql.Rows) (ref store.DeliveryRef, a store.Attempt, err error) {
	var id uuid
	var at, took int64
	var failure string
	if err := rows.Scan(&id, &ref.Recipient, &ref.Place, &ref.Claim, &at, &took, &a.Status, &a.Reason, &a.Provider, &a.ProviderID, &a.Code,
		&a.Duplicate, &failure); err != nil {
		return ref, a, err
	}
	ref.MessageID, a.At, a.Took = string(id), instant(at), time.Duration(took)*time.Microsecond
	a.Failure, err = failureOf(failure)
	return ref, a, err
}

// micros returns the stored form of t: microseconds since 1970, and 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant is the inverse of micros.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// failureText returns the stored form of f: JSON, and "" for nil. The JSON is sent as a string, because some poolers alter bytes.
func failureText(f *store.Failure) string {
	if f == nil {
		return ""
	}
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // cannot happen: the fields are strings
	}
	return string(b)
}

func failureOf(text string) (*store.Failure, error) {
	if text == "" {
		return nil, nil
	}
	f := &store.Failure{}
	if err := json.Unmarshal([]byte(text), f); err != nil {
		return nil, fmt.Errorf("decode a stored failure: %w", err)
	}
	return f, nil
}

// key returns the stored form of a message's key. An empty key is NULL, which the unique index ignores.
func key(k string) any {
	if k == "" {
		return nil
	}
	return k
}

// A uuid is a message's id in its usual form. It scans text or 16 bytes.
type uuid string

// Scan implements [sql.Scanner].
func (u *uuid) Scan(v any) error {
	switch v := v.(type) {
	case string:
		*u = uuid(v)
	case []byte:
		if len(v) != 16 {
			*u = uuid(v)
			return nil
		}
		h := hex.EncodeToString(v)
		*u = uuid(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
	default:
		return fmt.Errorf("unexpected type %T of a message id", v)
	}
	return nil
}

// parse returns the 16 bytes of a UUID with hyphens and lowercase letters.
func parse(id string) (b [16]byte, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return b, false
	}
	n, err := hex.Decode(b[:], []byte(id[:8]+id[9:13]+id[14:18]+id[19:23]+id[24:]))
	return b, err == nil && n == 16 && id == strings.ToLower(id)
}

// placeholders repeats one n times, separated by commas. one is "?" or a row such as "(?, ?)".
func placeholders(n int, one string) string {
	return strings.TrimSuffix(strings.Repeat(one+", ", n), ", ")
}

// clean returns a provider's text in a form that every database accepts: valid UTF-8 without NUL, of at most maxName bytes. Otherwise the
// text could make a settlement fail.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "")
	}
	return s
}

// digest returns the SHA-256 of a text that is compared, but not stored.
func digest[T ~string | ~[]byte](b T) []byte {
	sum := sha256.Sum256([]byte(b))
	return sum[:]
}
