package httpsend_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

func TestKindOfAStatus(t *testing.T) {
	tests := map[channel.Kind][]int{
		channel.Unknown:       {200, 201, 202, 204},
		channel.Rejected:      {300, 302, 308, 400, 404, 405, 409, 410, 413, 422, 499},
		channel.Misconfigured: {401, 403},
		channel.RateLimited:   {429},
		channel.Uncertain:     {408, 500, 501, 502, 503, 504, 599},
	}
	for want, all := range tests {
		for _, status := range all {
			require.Equal(t, want, httpsend.Answer{Status: status}.Kind(), status)
		}
	}
	wait := httpsend.Answer{Status: 503, RetryAfter: time.Second}
	require.Equal(t, channel.Temporary, wait.Kind())
}

func TestErrorCarriesTheWait(t *testing.T) {
	cause := errors.New("pager: full")
	err := httpsend.Answer{Status: 429, RetryAfter: time.Minute}.Error(channel.RateLimited, "E7", cause)
	require.Equal(t, &channel.Error{Kind: channel.RateLimited, Code: "E7", RetryAfter: time.Minute, Err: cause}, err)
}

func TestRetryAfter(t *testing.T) {
	date := func(in time.Duration) string { return time.Now().Add(in).UTC().Format(http.TimeFormat) }
	tests := map[string]struct {
		header string
		want   time.Duration
	}{
		"none":                 {},
		"seconds":              {header: "120", want: 2 * time.Minute},
		"zero":                 {header: "0"},
		"a date":               {header: date(time.Hour), want: time.Hour},
		"a date that has gone": {header: date(-time.Hour)},
		"a negative number":    {header: "-5"},
		"no number":            {header: "soon"},
		"more than fits":       {header: "99999999999999999999", want: math.MaxInt32 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.header != "" {
					w.Header().Set("Retry-After", tt.header)
				}
			})
			a, err := httpsend.Do(client(t), post(t, t.Context(), url))
			require.NoError(t, err)
			require.InDelta(t, tt.want, a.RetryAfter, float64(5*time.Second))
			require.GreaterOrEqual(t, a.RetryAfter, time.Duration(0))
		})
	}
}

func TestJSONKeepsMarkupAndEndsWithoutANewline(t *testing.T) {
	req, err := httpsend.JSON(t.Context(), "https://example.com", map[string]string{"text": "a < b && 你好"})
	require.NoError(t, err)
	require.Equal(t, http.MethodPost, req.Method)
	require.Equal(t, "application/json", req.Header.Get("Content-Type"))
	for range 2 { // the body can be rewound
		body, err := req.GetBody()
		require.NoError(t, err)
		b, err := io.ReadAll(body)
		require.NoError(t, err)
		require.Equal(t, `{"text":"a < b && 你好"}`, string(b))
		require.EqualValues(t, len(b), req.ContentLength)
	}
}

func TestFormIsEncoded(t *testing.T) {
	req, err := httpsend.Form(t.Context(), "https://example.com", url.Values{"To": {"+86138"}, "Body": {"你 好"}})
	require.NoError(t, err)
	require.Equal(t, http.MethodPost, req.Method)
	require.NoError(t, req.ParseForm())
	require.Equal(t, "+86138", req.PostForm.Get("To"))
	require.Equal(t, "你 好", req.PostForm.Get("Body"))
	require.NotNil(t, req.GetBody)
}

func TestRequestsTellNothingOfABadURL(t *testing.T) {
	for _, bad := range []string{"https://h/%zz" + secret, "https://h:" + secret, "https://h/\n" + secret, "://" + secret} {
		_, err := httpsend.JSON(t.Context(), bad, nil)
		requireFailure(t, err, channel.Misconfigured)
		_, err = httpsend.Form(t.Context(), bad, nil)
		requireFailure(t, err, channel.Misconfigured)
	}
}

func TestJSONRejectsWhatIsNone(t *testing.T) {
	_, err := httpsend.JSON(context.Background(), "https://example.com", math.NaN())
	requireFailure(t, err, channel.Rejected)
}
