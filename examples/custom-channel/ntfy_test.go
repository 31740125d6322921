package ntfy_test

import (
	"fmt"
	"net/http"
	"testing"

	ntfy "github.com/e7ddda3c/notify/examples/custom-channel"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
)

func TestContract(t *testing.T) {
	channeltest.HTTP(t, channeltest.Vendor{
		Open: func(_ *testing.T, baseURL string, c *http.Client) channel.Channel {
			return &ntfy.Channel{URL: baseURL, Token: "tk_secret", Client: c}
		},
		Delivery: channel.Delivery{ID: "d-1", To: "parcels", Content: channel.Content{Title: "Your parcel", Text: "It is on its way"}},
		Secrets:  []string{"tk_secret"},
		Accept: func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer tk_secret" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			fmt.Fprint(w, `{"id":"sPs71M8A2T","event":"message","topic":"parcels"}`)
		},
		Cannot: map[channeltest.Peer]string{channeltest.BadRecipient: "a topic exists as soon as a client names it"},
	})
}
