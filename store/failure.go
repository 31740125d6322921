package store

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// Failure is an error as it is stored, in JSON where the database has no better place.
type Failure struct {
	Kind       channel.Kind `json:"kind"`
	Field      string       `json:"field,omitempty"`
	Code       string       `json:"code,omitempty"`        // the vendor's
	RetryAfter string       `json:"retry_after,omitempty"` // as of time.Duration
	Text       string       `json:"text,omitempty"`
}

// FailureOf returns e as a Failure, word for word; nil for nil. See [Failure.Clean].
func FailureOf(e *channel.Error) *Failure {
	if e == nil {
		return nil
	}
	f := &Failure{Kind: e.Kind, Field: e.Field, Code: e.Code}
	if e.RetryAfter > 0 {
		f.RetryAfter = e.RetryAfter.String()
	}
	if e.Err != nil {
		f.Text = e.Err.Error()
	}
	return f
}

// Clean returns a copy of f whose texts are fit for any database, by [Clean]: providers and drivers may say anything. It returns nil
// for nil.
func (f *Failure) Clean() *Failure {
	if f == nil {
		return nil
	}
	return &Failure{
		Kind: channel.Kind(Clean(string(f.Kind))), Field: Clean(f.Field), Code: Clean(f.Code), RetryAfter: f.RetryAfter, Text: Clean(f.Text),
	}
}

// Err returns f as a [channel.Error], or nil for nil. It reads the same, and has the same Kind; its cause is gone. With an error, which
// tells that RetryAfter is no duration, it lacks that only.
func (f *Failure) Err() (*channel.Error, error) {
	if f == nil {
		return nil, nil
	}
	e := &channel.Error{Kind: f.Kind, Field: f.Field, Code: f.Code}
	if f.Text != "" {
		e.Err = errors.New(f.Text)
	}
	if f.RetryAfter == "" {
		return e, nil
	}
	var err error
	if e.RetryAfter, err = time.ParseDuration(f.RetryAfter); err != nil {
		return e, fmt.Errorf("store: retry_after: %w", err)
	}
	return e, nil
}

// longestText bounds the bytes of a text that [Clean] returns.
const longestText = 1000

// Clean makes s fit for any database: valid UTF-8 without NUL, and at most 1000 bytes.
func Clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s[:min(len(s), longestText)], "\uFFFD"), "\x00", "\uFFFD")
	return strings.ToValidUTF8(s[:min(len(s), longestText)], "")
}
