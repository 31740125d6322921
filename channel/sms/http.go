package sms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// HTTPOptions configures an [HTTPGateway]. A nil *HTTPOptions means all defaults.
type HTTPOptions struct {
	// Provider is the vendor's name in receipts and errors. Defaults to "http".
	Provider string
	// Templates are the texts that the vendor approved. With templates, messages have SMS.Approved and SMS.Template; without, they
	// have SMS.Text.
	Templates Templates
	// Client sends the requests, and follows no redirects. Defaults to [http.DefaultClient].
	Client *http.Client
}

// An HTTPGateway sends through a vendor with an HTTP API, by two functions of the host. Make one with [HTTP].
type HTTPGateway struct {
	request   func(context.Context, SMS) (*http.Request, error)
	answer    func(status int, body []byte) (id string, err error)
	provider  string
	templates Templates
	client    *http.Client
}

var (
	_ Gateway            = (*HTTPGateway)(nil)
	_ channel.Configured = (*HTTPGateway)(nil)
)

// HTTP returns a gateway that makes one request for each SMS. Many goroutines may call both functions at once.
//
// request builds the request, which is sent under the context of Send. An error of request is [channel.Rejected], unless it has
// another kind.
//
// answer reads the vendor's answer; body holds at most 1 MiB of that. It returns the vendor's id of the message, or an error: a
// [*channel.Error], a bare [channel.Kind], or any other, which the status then classifies. A status outside 2xx is always a failure.
// If answer is nil, the status alone decides.
//
// Error texts end in logs, so neither function should put the number, the text or a secret into one.
func HTTP(
	request func(context.Context, SMS) (*http.Request, error),
	answer func(status int, body []byte) (id string, err error),
	o *HTTPOptions,
) *HTTPGateway {
	opts := HTTPOptions{}
	if o != nil {
		opts = *o
	}
	g := &HTTPGateway{request: request, answer: answer, provider: cmp.Or(opts.Provider, "http"), client: opts.Client}
	if len(opts.Templates) > 0 {
		g.templates = opts.Templates.WithSign("")
	}
	return g
}

// Send makes one request.
func (g *HTTPGateway) Send(ctx context.Context, m SMS) (channel.Receipt, error) {
	req, err := g.request(ctx, m)
	if err != nil {
		return channel.Receipt{}, unsent(g.provider+": request", channel.Rejected, err)
	}
	a, err := httpsend.Do(g.client, req.WithContext(ctx))
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("%s: %w", g.provider, err)
	}
	var id string
	if g.answer != nil {
		id, err = g.answer(a.Status, a.Body)
	}
	switch {
	case err != nil:
		return channel.Receipt{}, g.refused(a, err)
	case a.Status/100 != 2:
		return channel.Receipt{}, Unrecognized(g.provider, a)
	}
	return channel.Receipt{Provider: g.provider, ID: id}, nil
}

// Templates returns the approved texts, or nil for a gateway of free texts.
func (g *HTTPGateway) Templates() Templates { return g.templates }

// Valid checks the configuration: a request function is required, and templates must be valid.
func (g *HTTPGateway) Valid() error {
	if g.request == nil {
		return fmt.Errorf("%s: the request function of HTTP is required", g.provider)
	}
	if g.templates == nil {
		return nil
	}
	if err := g.templates.Valid(); err != nil {
		return fmt.Errorf("%s: %w", g.provider, err)
	}
	return nil
}

// refused classifies an error of answer.
func (g *HTTPGateway) refused(a httpsend.Answer, err error) error {
	kind := cmp.Or(channel.KindOf(err), a.Kind(), channel.Uncertain)
	e := a.Error(kind, "", fmt.Errorf("%s: %w", g.provider, err))
	if given, ok := errors.AsType[*channel.Error](err); ok {
		e.Field, e.Code = given.Field, given.Code
		e.RetryAfter = cmp.Or(given.RetryAfter, a.RetryAfter)
		e.Err = fmt.Errorf("%s: %w", g.provider, cmp.Or(given.Err, error(given.Kind)))
	}
	return e
}
