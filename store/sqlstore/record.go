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
	// insertedMessage and insertedDelivery are what an accepted one has.
	insertedMessage  = messageColumns + ", hash"
	insertedDelivery = "message, recipient, place, lane, live, due, status, reason, at, not_before, user_id, address, locale, grouped, suppression, failure, body"
	deliveryColumns  = `d.message, d.recipient, d.place, d.claim, d.lane, d.user_id, d.address, d.locale, d.grouped, d.canceled, d.status, d.reason,
		d.at, d.due, d.not_before, d.attempts, d.spent, d.doubt, d.duplicate, d.provider_id, d.lapsed, d.marked, d.wakes, d.leased, d.failure, d.body`
	claimedColumns = deliveryColumns + ", (select s.reason from {suppressions} s where s.hash = d.suppression) as suppressed"
	attemptColumns = "message, recipient, place, claim, at, took, status, reason, provider, provider_id, code, duplicate, failure"
)

// A row is a delivery as it is in the table.
type row struct {
	store.Delivery
	leased     bool
	due        int64        // of settled ones, too
	suppressed store.Reason // why, of claimed ones
}

// into returns where to scan the deliveryColumns, and what to do then.
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

// micros is t as it is stored.
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

// failureText is f as it is stored: JSON, and "" for none. It is sent as text, because bytes become something else behind some poolers.
func failureText(f *store.Failure) string {
	if f == nil {
		return ""
	}
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // there are only strings in it
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

// key is a message's key as it is stored: null if there is none, so that it is not unique.
func key(k string) any {
	if k == "" {
		return nil
	}
	return k
}

// A uuid is a message's id as databases return it: as text, or as its 16 bytes.
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

// parse returns the 16 bytes of an id in its usual form.
func parse(id string) (b [16]byte, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return b, false
	}
	n, err := hex.Decode(b[:], []byte(id[:8]+id[9:13]+id[14:18]+id[19:23]+id[24:]))
	return b, err == nil && n == 16 && id == strings.ToLower(id)
}

// placeholders returns n times "(?, ?, …)" with a number of placeholders, or what stands for them.
func placeholders(n int, one string) string {
	return strings.TrimSuffix(strings.Repeat(one+", ", n), ", ")
}

// clean makes what a provider said fit for every database's column: a settlement must not fail because of it.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "")
	}
	return s
}

// digest is what is kept of a text to know it again.
func digest[T ~string | ~[]byte](b T) []byte {
	sum := sha256.Sum256([]byte(b))
	return sum[:]
}
