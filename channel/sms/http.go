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
	// Templates are the texts that the vendor approved, by the host's own names. With any, the gateway is given those, as
	// SMS.Approved and SMS.Template; without, it is given SMS.Text.
	Templates map[string]Template
	// Client sends the requests. Its redirects are not followed. Defaults to [http.DefaultClient].
	Client *http.Client
}

// An HTTPGateway sends through any vendor that has an HTTP interface, as told by two functions of the host.
type HTTPGateway struct {
	request   func(context.Context, SMS) (*http.Request, error)
	answer    func(status int, body []byte) (id string, err error)
	provider  string
	templates map[string]Template
	client    *http.Client
}

var (
	_ Gateway            = (*HTTPGateway)(nil)
	_ channel.Configured = (*HTTPGateway)(nil)
)

// HTTP returns a gateway that makes one request for each SMS and reads the answer to it. Both functions may be called by many
// goroutines at once.
//
// request builds the request; it is sent under the context of Send. Its error is [channel.Rejected], unless it says another kind.
//
// answer says what the vendor answered: its id of the message, or an error that is a [*channel.Error] or a bare [channel.Kind];
// what has no kind is classified by the status. body is at most 1 MiB. A status outside 2xx is a failure, whatever answer says.
// With a nil answer the status is all that counts.
//
// The texts of errors end in logs, so neither function should put the number, the text or a secret into one.
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
		g.templates = signed(opts.Templates, "")
	}
	return g
}

// Send makes one request.
func (g *HTTPGateway) Send(ctx context.Context, m SMS) (channel.Receipt, error) {
	req, err := g.request(ctx, m)
	if err != nil {
		return channel.Receipt{}, unsent(g.provider, "request", channel.Rejected, err)
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
		return channel.Receipt{}, garbled(g.provider, a)
	}
	return channel.Receipt{Provider: g.provider, ID: id}, nil
}

// Templates returns the approved texts, or nil if the gateway takes free ones.
func (g *HTTPGateway) Templates() map[string]Template { return g.templates }

// Valid says what the configuration lacks.
func (g *HTTPGateway) Valid() error {
	switch {
	case g.request == nil:
		return errors.New("sms: HTTP without a request function")
	case g.templates != nil:
		return checkTemplates(g.provider, g.templates, false)
	}
	return nil
}

// refused is a failure that answer tells.
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
