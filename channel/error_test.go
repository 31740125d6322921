package channel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
)

func TestKindOf(t *testing.T) {
	refused := &channel.Error{Kind: channel.Rejected}
	unclassified := &channel.Error{Err: errors.New("eh")}
	tests := map[string]struct {
		err  error
		want channel.Kind
	}{
		"no error":                              {nil, channel.Unknown},
		"an error of another type":              {io.EOF, channel.Unknown},
		"an Error":                              {refused, channel.Rejected},
		"a wrapped Error":                       {fmt.Errorf("sms: %w", refused), channel.Rejected},
		"a bare Kind":                           {channel.RateLimited, channel.RateLimited},
		"a wrapped Kind":                        {fmt.Errorf("sms: %w", channel.RateLimited), channel.RateLimited},
		"the first of two":                      {errors.Join(channel.Temporary, refused), channel.Temporary},
		"the outer of two":                      {&channel.Error{Kind: channel.Uncertain, Err: refused}, channel.Uncertain},
		"an Error without a kind":               {unclassified, channel.Unknown},
		"one without a kind that wraps one":     {&channel.Error{Err: refused}, channel.Rejected},
		"one without a kind beside one":         {errors.Join(unclassified, nil, refused), channel.Rejected},
		"one without a kind and an ended ctx":   {&channel.Error{Err: context.Canceled}, channel.Uncertain},
		"a cancelled context":                   {context.Canceled, channel.Uncertain},
		"a deadline":                            {fmt.Errorf("sms: %w", context.DeadlineExceeded), channel.Uncertain},
		"a network timeout":                     {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, channel.Uncertain},
		"a network error that is no timeout":    {&net.OpError{Op: "read", Err: io.EOF}, channel.Unknown},
		"a kind counts before an ended context": {&channel.Error{Kind: channel.Temporary, Err: context.Canceled}, channel.Temporary},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, channel.KindOf(tt.err)) })
	}
}

func TestErrorIsItsKindAndItsCause(t *testing.T) {
	err := fmt.Errorf("outer: %w", &channel.Error{Kind: channel.RateLimited, Err: io.EOF})
	require.ErrorIs(t, err, channel.RateLimited)
	require.ErrorIs(t, err, io.EOF)
	require.NotErrorIs(t, err, channel.Temporary)
	require.NotErrorIs(t, err, channel.Unknown)
}

func TestErrorText(t *testing.T) {
	tests := map[string]*channel.Error{
		"(unknown)":               {},
		"to: (invalid_recipient)": {Kind: channel.InvalidRecipient, Field: "to"},
		"sms: throttled (rate_limited, code isv.LIMIT, retry after 1m0s)": {
			Kind: channel.RateLimited, Code: "isv.LIMIT", RetryAfter: time.Minute, Err: errors.New("sms: throttled"),
		},
		"content.title: email: too long (rejected)": {Kind: channel.Rejected, Field: "content.title", Err: errors.New("email: too long")},
		"sms: busy (temporary, code 17)": {
			Kind: channel.Temporary, Code: "17", Err: fmt.Errorf("sms: %w", &channel.Error{Kind: channel.Temporary, Code: "17", Err: errors.New("busy")}),
		},
		"busy (temporary) (rate_limited)": {Kind: channel.RateLimited, Err: &channel.Error{Kind: channel.Temporary, Err: errors.New("busy")}},
		"(temporary)":                     {Kind: channel.Temporary, Err: channel.ErrorOf(&channel.Error{Kind: channel.Temporary})},
	}
	for want, err := range tests {
		require.EqualError(t, err, want)
	}
}

// faults is an error type that is not a pointer, but can be nil.
type faults []string

func (faults) Error() string { return "faults" }

func TestErrorOf(t *testing.T) {
	refused := &channel.Error{Kind: channel.Rejected, Field: "to", Code: "17", RetryAfter: time.Second, Err: io.EOF}
	unclassified := &channel.Error{Err: io.EOF}
	bare := &channel.Error{Field: "to", Err: context.Canceled}
	wrapped := fmt.Errorf("sms: %w", refused)
	beside := errors.Join(unclassified, refused)
	tests := map[string]struct {
		err  error
		want *channel.Error
	}{
		"no error":                           {nil, nil},
		"a nil Error":                        {(*channel.Error)(nil), nil},
		"a nil pointer of another type":      {(*net.OpError)(nil), nil},
		"a nil slice":                        {faults(nil), nil},
		"a slice":                            {faults{}, &channel.Error{Err: faults{}}},
		"a wrapped Error":                    {wrapped, &channel.Error{Kind: channel.Rejected, Field: "to", Code: "17", RetryAfter: time.Second, Err: wrapped}},
		"an Error whose cause has the kind":  {bare, &channel.Error{Kind: channel.Uncertain, Field: "to", Err: bare}},
		"an Error without a kind beside one": {beside, &channel.Error{Kind: channel.Rejected, Err: beside}},
		"a bare Kind":                        {channel.RateLimited, &channel.Error{Kind: channel.RateLimited, Err: channel.RateLimited}},
		"an ended context":                   {context.Canceled, &channel.Error{Kind: channel.Uncertain, Err: context.Canceled}},
		"an error of another type":           {io.EOF, &channel.Error{Err: io.EOF}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, channel.ErrorOf(tt.err)) })
	}
	for _, e := range []*channel.Error{refused, unclassified} {
		require.Same(t, e, channel.ErrorOf(e))
	}
}
