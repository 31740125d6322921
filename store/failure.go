package store

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/e7ddda3c/notify/channel"
)

// A Failure is the stored form of a [channel.Error]. Databases without a better type keep JSON.
type Failure struct {
	Kind       channel.Kind `json:"kind"`
	Field      string       `json:"field,omitempty"`
	Code       string       `json:"code,omitempty"`        // the vendor's code
	RetryAfter string       `json:"retry_after,omitempty"` // a duration in the format of time.ParseDuration, or ""
	Text       string       `json:"text,omitempty"`
}

// FailureOf returns e as a Failure with unchanged texts, or nil for nil. See [Failure.Clean].
func FailureOf(e *channel.Error) *Failure {
	if e == nil {
		return nil
	}
	f := &Failure{Kind: e.Kind, Field: e.Field, Code: e.Code}
	if e.RetryAfter > 0 {
		f.RetryAfter = e.RetryAfter.String()
	}
	if e.Err != nil {
		f.Text = fmt.Sprint(e.Err) // not Error(), whose panic Sprint turns into text
	}
	return f
}

// Clean returns a copy of f whose texts are cleaned by [Clean], or nil for nil. Providers and drivers may return any text.
func (f *Failure) Clean() *Failure {
	if f == nil {
		return nil
	}
	return &Failure{
		Kind: channel.Kind(Clean(string(f.Kind))), Field: Clean(f.Field), Code: Clean(f.Code), RetryAfter: f.RetryAfter, Text: Clean(f.Text),
	}
}

// Err returns f as a [channel.Error], or nil for nil. The result has the Kind and the text of the original error, but not the cause. If
// RetryAfter is not a duration, Err returns a second error, and a result that lacks only RetryAfter.
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
		return e, fmt.Errorf("store: retry_after must be a duration: %w", err)
	}
	return e, nil
}

// maxText is the maximum length of a text from [Clean], in bytes.
const maxText = 1000

// Clean makes s storable in any database: it replaces invalid UTF-8 and NUL with U+FFFD, and cuts s to at most 1000 bytes.
func Clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s[:min(len(s), maxText)], "\uFFFD"), "\x00", "\uFFFD")
	return strings.ToValidUTF8(s[:min(len(s), maxText)], "")
}

// longestWord bounds the bytes of a text by which databases look things up.
const longestWord = 255

// CheckWord reports why s is not fit as a text by which any database looks things up, such as a tenant or a key.
func CheckWord(s string) error {
	if len(s) > longestWord || !utf8.ValidString(s) || strings.Contains(s, "\x00") {
		return fmt.Errorf("must be valid UTF-8 without NUL, of at most %d bytes", longestWord)
	}
	return nil
}
