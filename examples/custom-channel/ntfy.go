// Package ntfy is a complete channel in less than sixty lines: push notifications through an ntfy server (https://ntfy.sh). The
// address is a topic. A notification has Content.Title, then Content.Markdown or else Content.Text, and a click opens Content.URL.
package ntfy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

var topic = regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`)

// A Channel sends through one server. URL is required.
type Channel struct {
	URL, Token string       // the server's; a token is needed for protected topics only
	Client     *http.Client // nil means httpsend's client
}

// Validate refuses deliveries that the server would refuse.
func (c *Channel) Validate(d channel.Delivery) error {
	if !topic.MatchString(d.To) {
		return &channel.Error{Kind: channel.InvalidRecipient, Field: "to", Err: errors.New("ntfy: must be a topic of 1 to 64 letters, digits, - and _")}
	}
	_, err := channel.Decode[struct{}](d.Extra)
	return err
}

// Send publishes d to its topic.
func (c *Channel) Send(ctx context.Context, d channel.Delivery) (channel.Receipt, error) {
	req, err := httpsend.JSON(ctx, c.URL, map[string]any{
		"topic": d.To, "title": d.Content.Title, "message": cmp.Or(d.Content.Markdown, d.Content.Text),
		"markdown": d.Content.Markdown != "", "click": d.Content.URL,
	})
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("ntfy: %w", err)
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	a, err := httpsend.Do(c.Client, req)
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("ntfy: %w", err)
	}
	if kind := a.Kind(); kind != channel.Unknown {
		return channel.Receipt{}, a.Error(kind, "", fmt.Errorf("ntfy: HTTP status %d", a.Status))
	}
	var reply struct{ ID string }
	if err := json.Unmarshal(a.Body, &reply); err != nil || reply.ID == "" {
		return channel.Receipt{}, a.Error(channel.Uncertain, "", errors.New("ntfy: the answer must be JSON with an id"))
	}
	return channel.Receipt{Provider: "ntfy", ID: reply.ID}, nil
}
