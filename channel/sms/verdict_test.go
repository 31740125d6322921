package sms_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/sms"
)

func TestPerNumber(t *testing.T) {
	require.Equal(t, sms.Verdict{Kind: channel.Temporary, Wait: 59 * time.Minute}, sms.PerNumber(59*time.Minute))
	require.Equal(t, sms.Verdict{Kind: channel.Unreachable, Wait: time.Hour}, sms.PerNumber(time.Hour))
}

func TestBounce(t *testing.T) {
	for kind, want := range map[channel.Kind]channel.Kind{
		channel.InvalidRecipient: channel.InvalidRecipient, channel.Rejected: channel.Rejected,
		channel.Unknown: channel.Unreachable, channel.Misconfigured: channel.Unreachable, channel.Temporary: channel.Unreachable,
	} {
		require.Equal(t, want, sms.Verdict{Kind: kind}.Bounce(), kind)
	}
}

func TestRefused(t *testing.T) {
	const id = "F655A8D5-B967-440B-8683-DAD6FF8DE990"
	rejected := sms.Verdict{Kind: channel.Rejected}
	throttled := func(wait time.Duration) sms.Verdict { return sms.Verdict{Kind: channel.RateLimited, Wait: wait} }
	tests := map[string]struct {
		answer   httpsend.Answer
		code, id string
		verdict  sms.Verdict
		want     string
	}{
		"verdict":            {httpsend.Answer{Status: 200}, "A.B", id, rejected, "acme: refused, request " + id + " (rejected, code A.B)"},
		"no id":              {httpsend.Answer{Status: 200}, "7", "+15005550006", rejected, "acme: refused (rejected, code 7)"},
		"unknown code":       {httpsend.Answer{Status: 200}, "7", "", sms.Verdict{}, "acme: refused (uncertain, code 7)"},
		"unknown, by status": {httpsend.Answer{Status: 403}, "7", "", sms.Verdict{}, "acme: refused (misconfigured, code 7)"},
		"unknown, with 5xx":  {httpsend.Answer{Status: 500}, "7", "", sms.Verdict{}, "acme: refused (temporary, code 7)"},
		"throttle":           {httpsend.Answer{}, "7", "", throttled(0), "acme: refused (rate_limited, code 7, retry after 1s)"},
		"throttle with wait": {httpsend.Answer{}, "7", "", throttled(time.Minute), "acme: refused (rate_limited, code 7, retry after 1m0s)"},
		"throttle with header": {
			httpsend.Answer{RetryAfter: time.Hour}, "7", "", throttled(time.Minute), "acme: refused (rate_limited, code 7, retry after 1h0m0s)",
		},
		"free text as a code": {
			httpsend.Answer{Status: 502}, "no +15005550006", id, rejected, "acme: HTTP status 502 without the vendor's code (uncertain)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.EqualError(t, sms.Refused("acme", tt.answer, tt.code, tt.id, tt.verdict), tt.want)
		})
	}
}

func TestUnrecognized(t *testing.T) {
	for status, kind := range map[int]channel.Kind{
		http.StatusOK: channel.Uncertain, http.StatusNotFound: channel.Rejected, http.StatusUnauthorized: channel.Misconfigured,
		http.StatusTooManyRequests: channel.RateLimited, http.StatusBadGateway: channel.Uncertain,
	} {
		require.ErrorIs(t, sms.Unrecognized("acme", httpsend.Answer{Status: status}), kind, status)
	}
}
