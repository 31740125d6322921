package httphook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httphook"
)

// A driver for a vendor that signs the body of its reports.
func ExampleNew() {
	sign := func(body []byte) string {
		m := hmac.New(sha256.New, []byte("key"))
		m.Write(body)
		return hex.EncodeToString(m.Sum(nil))
	}
	events := map[string]channel.Event{"delivered": channel.Delivered, "failed": channel.Bounced}
	read := func(r *http.Request, body []byte) ([]channel.Receipt, error) {
		if !hmac.Equal([]byte(sign(body)), []byte(r.Header.Get("X-Acme-Signature"))) {
			return nil, httphook.ErrForbidden
		}
		var report struct{ ID, Status string }
		if err := json.Unmarshal(body, &report); err != nil {
			return nil, err
		}
		return []channel.Receipt{{Provider: "acme", ID: report.ID, Event: events[report.Status]}}, nil
	}
	sink := func(_ context.Context, r channel.Receipt) error { // Notifier.Receive
		fmt.Println(r.Provider, r.ID, r.Event)
		return nil
	}
	h := httphook.New(read, sink, nil)

	post := func(body, signature string) {
		r := httptest.NewRequest(http.MethodPost, "/hooks/acme", strings.NewReader(body))
		r.Header.Set("X-Acme-Signature", signature)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	body := `{"id":"a-1","status":"delivered"}`
	post(body, sign([]byte(body)))
	post(body, "forged")
	// Output:
	// acme a-1 delivered
	// 204
	// 403
}

// A driver for a vendor that signs nothing, and repeats a call until the answer is as documented.
func ExampleSecret() {
	type report struct {
		ID httphook.Text `json:"id"` // a number or a string
		OK bool          `json:"ok"`
	}
	read := httphook.JSONArray(func(r report) channel.Receipt {
		receipt := channel.Receipt{Provider: "acme", ID: string(r.ID), Event: channel.Bounced}
		if r.OK {
			receipt.Event = channel.Delivered
		}
		return receipt
	})
	sink := func(_ context.Context, r channel.Receipt) error { // Notifier.Receive
		fmt.Println(r.Provider, r.ID, r.Event)
		return nil
	}
	const secret = "XVNPF3QKJ5T6WD2RZ4HYBM7CLE"
	h := httphook.Secret(secret, httphook.New(read, sink, &httphook.Options{Taken: `{"code":0}`, Refused: `{"code":1}`}))

	for _, path := range []string{"/hooks/acme/" + secret, "/hooks/acme/guess"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(`[{"id":17,"ok":true}]`)))
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// acme 17 delivered
	// 200 {"code":0}
	// 404 404 page not found
}
