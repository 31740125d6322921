package sms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
)

// The functions of these tests are for Acme, a vendor that answers "OK:<id>" or "<code>:<text>".
func acmeForm(base string) func(context.Context, sms.SMS) (*http.Request, error) {
	return func(ctx context.Context, m sms.SMS) (*http.Request, error) {
		return httpsend.Form(ctx, base+"/send", url.Values{"key": {"t0ken"}, "to": {m.To}, "text": {m.Text}})
	}
}

func acmeQuery(base string) func(context.Context, sms.SMS) (*http.Request, error) {
	return func(_ context.Context, m sms.SMS) (*http.Request, error) { // forgets its context
		return http.NewRequest(http.MethodGet, base+"/send?"+url.Values{"key": {"t0ken"}, "to": {m.To}, "text": {m.Text}}.Encode(), nil)
	}
}

func acmeAnswer(_ int, body []byte) (string, error) {
	code, rest, _ := strings.Cut(string(body), ":")
	switch code {
	case "OK":
		return rest, nil
	case "12":
		return "", &channel.Error{Kind: channel.InvalidRecipient, Code: code, Err: errors.New("no such number")}
	case "13":
		return "", &channel.Error{Code: code}
	case "14":
		return "", channel.Misconfigured
	}
	return "", errors.New("not understood")
}

func TestHTTPContract(t *testing.T) {
	requests := map[string]func(string) func(context.Context, sms.SMS) (*http.Request, error){"POST": acmeForm, "GET": acmeQuery}
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			channeltest.HTTP(t, channeltest.Vendor{
				Open: func(_ *testing.T, baseURL string, c *http.Client) channel.Channel {
					return sms.New(sms.HTTP(request(baseURL), acmeAnswer, &sms.HTTPOptions{Provider: "acme", Client: c}), nil)
				},
				Delivery: smstest.Text("+15005550006", "Your parcel is here & waits"),
				Secrets:  []string{"t0ken"},
				Accept: func(w http.ResponseWriter, r *http.Request) {
					if r.FormValue("key") != "t0ken" || !strings.HasPrefix(r.FormValue("to"), "+") || r.FormValue("text") == "" {
						fmt.Fprint(w, "13:refused")
						return
					}
					fmt.Fprint(w, "OK:42")
				},
				BadRecipient: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "12:+15005550006") },
			})
		})
	}
}

func TestHTTPAnswers(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   channel.Error // Kind and Code; none if it is a success
	}{
		"success has an id":                    {200, "OK:42", channel.Error{}},
		"a kind and a code pass":               {200, "12:", channel.Error{Kind: channel.InvalidRecipient, Code: "12"}},
		"a kind outweighs the status":          {500, "12:", channel.Error{Kind: channel.InvalidRecipient, Code: "12"}},
		"a bare kind passes":                   {200, "14:", channel.Error{Kind: channel.Misconfigured}},
		"a code without a kind goes by status": {400, "13:", channel.Error{Kind: channel.Rejected, Code: "13"}},
		"an error without a kind is uncertain": {200, "?", channel.Error{Kind: channel.Uncertain}},
		"it goes by the status":                {429, "?", channel.Error{Kind: channel.RateLimited}},
		"success needs a status":               {500, "OK:42", channel.Error{Kind: channel.Uncertain}},
		"a redirect is no success":             {302, "OK:42", channel.Error{Kind: channel.Rejected}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.body)
			}))
			defer s.Close()
			r, err := sms.New(sms.HTTP(acmeForm(s.URL), acmeAnswer, nil), nil).Send(t.Context(), smstest.Text("+15005550006", "hello"))
			if tt.want.Kind == "" {
				require.NoError(t, err)
				require.Equal(t, channel.Receipt{DeliveryID: "d-1", Provider: "http", ID: "42"}, r)
				return
			}
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.want, channel.Error{Kind: e.Kind, Code: e.Code})
			require.Equal(t, 7*time.Second, e.RetryAfter)
		})
	}
}

func TestHTTPWithoutAnswerGoesByTheStatus(t *testing.T) {
	status := http.StatusAccepted
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer s.Close()
	c := sms.New(sms.HTTP(acmeForm(s.URL), nil, nil), nil)
	_, err := c.Send(t.Context(), smstest.Text("+15005550006", "hello"))
	require.NoError(t, err)
	status = http.StatusBadGateway
	_, err = c.Send(t.Context(), smstest.Text("+15005550006", "hello"))
	require.ErrorIs(t, err, channel.Uncertain)
}

func TestHTTPRequestThatCannotBeMadeWasNotSent(t *testing.T) {
	own := errors.New("too long")
	tests := map[string]struct {
		fail error
		want channel.Kind
	}{
		"is rejected":                  {own, channel.Rejected},
		"keeps its kind":               {fmt.Errorf("%w: %w", channel.Misconfigured, own), channel.Misconfigured},
		"is temporary after a timeout": {fmt.Errorf("%w: %w", context.DeadlineExceeded, own), channel.Temporary},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := sms.HTTP(func(context.Context, sms.SMS) (*http.Request, error) { return nil, tt.fail }, nil, nil)
			_, err := sms.New(g, nil).Send(t.Context(), smstest.Text("+15005550006", "hello"))
			require.Equal(t, tt.want, channel.KindOf(err))
			require.ErrorIs(t, err, own)
		})
	}
}

func TestHTTPWithTemplates(t *testing.T) {
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.FormValue("template") + r.FormValue("1") }))
	defer s.Close()
	request := func(ctx context.Context, m sms.SMS) (*http.Request, error) {
		return httpsend.Form(ctx, s.URL, url.Values{"template": {m.Template.ID}, "1": {m.Approved.Params[0].Value}})
	}
	c := sms.New(sms.HTTP(request, nil, &sms.HTTPOptions{Templates: sms.Templates{"code": {ID: "T1", Params: []string{"code"}}}}), nil)
	require.NoError(t, channel.Valid(c))
	_, err := c.Send(t.Context(), smstest.Approved("+8613800138000", "code", "code", "123456"))
	require.NoError(t, err)
	require.Equal(t, "T1123456", got)
}

func TestHTTPValid(t *testing.T) {
	require.NoError(t, channel.Valid(sms.New(sms.HTTP(acmeForm(""), nil, nil), nil)))
	require.Error(t, channel.Valid(sms.New(sms.HTTP(nil, nil, nil), nil)))
	nameless := &sms.HTTPOptions{Templates: sms.Templates{"code": {}}}
	require.ErrorContains(t, channel.Valid(sms.New(sms.HTTP(acmeForm(""), nil, nameless), nil)), `"code": ID is required`)
}
