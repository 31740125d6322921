package channeltest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// A pager is a small but complete driver, on which the rules are tested.
type pager struct {
	url, token string
	client     *http.Client
}

type pagerExtra struct {
	Sound string `json:"sound,omitempty"`
}

func (p *pager) Validate(d channel.Delivery) error {
	if d.To == "" {
		return &channel.Error{Kind: channel.InvalidRecipient, Field: "to", Err: errors.New("pager: no user")}
	}
	_, err := channel.Decode[pagerExtra](d.Extra)
	return err
}

func (p *pager) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	extra, err := channel.Decode[pagerExtra](d.Extra)
	if err != nil {
		return channel.Receipt{}, err
	}
	req, err := httpsend.JSON(ctx, p.url+"/page?token="+p.token, map[string]string{"user": d.To, "text": d.Content.Text, "sound": extra.Sound})
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("pager: %w", err)
	}
	a, err := httpsend.Do(p.client, req)
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("pager: %w", err)
	}
	var reply struct{ ID, Fault string }
	switch bad := json.Unmarshal(a.Body, &reply) != nil; {
	case reply.Fault == "no such user":
		return channel.Receipt{}, a.Error(channel.InvalidRecipient, reply.Fault, errors.New("pager: refused"))
	case a.Kind() != channel.Unknown:
		return channel.Receipt{}, a.Error(a.Kind(), "", fmt.Errorf("pager: HTTP status %d", a.Status))
	case bad:
		return channel.Receipt{}, a.Error(channel.Uncertain, "", errors.New("pager: the answer is not the vendor's"))
	}
	return channel.Receipt{Provider: "pager", ID: reply.ID}, nil
}

// vendor returns everything that the author of a driver writes.
func vendor(open func(baseURL string, c *http.Client) channel.Channel) channeltest.Vendor {
	return channeltest.Vendor{
		Open:     func(_ *testing.T, baseURL string, c *http.Client) channel.Channel { return open(baseURL, c) },
		Delivery: channel.Delivery{ID: "d-1", To: "ann-7", Content: channel.Content{Text: "Your parcel is here"}, Extra: json.RawMessage(`{"sound":"bell"}`)},
		Secrets:  []string{"t0ken"},
		Accept: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("token") != "t0ken" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, `{"id":"p-1"}`)
		},
		BadRecipient: func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"fault":"no such user"}`)
		},
	}
}

func TestGoodDriverKeepsEveryRule(t *testing.T) {
	channeltest.HTTP(t, vendor(func(baseURL string, c *http.Client) channel.Channel {
		return &pager{url: baseURL, token: "t0ken", client: c}
	}))
}
