package websocket_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	coder "github.com/coder/websocket"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/websocket"
)

func Example() {
	ready := make(chan struct{})
	hub := websocket.New(func(r *http.Request) (websocket.Identity, error) {
		if websocket.Token(r) != "anns-token" { // verify a JWT here, and set Expires from it
			return websocket.Identity{}, errors.New("unknown token")
		}
		return websocket.Identity{User: "ann"}, nil
	}, &websocket.Options{
		OnConnect: func(_ context.Context, c *websocket.Conn) {
			c.Join("order-7")
			close(ready)
		},
	})
	server := httptest.NewServer(hub)
	defer server.Close()

	// A page calls new WebSocket(url, ["notify.v1", "bearer.anns-token"]).
	ctx := context.Background()
	page, _, err := dial(ctx, server.URL, &coder.DialOptions{Subprotocols: []string{"notify.v1", "bearer.anns-token"}})
	if err != nil {
		panic(err)
	}
	defer page.CloseNow()
	<-ready

	// notify.Send calls the hub as a channel.
	_, err = hub.Send(ctx, channel.Delivery{ID: "d-1", To: "ann", Content: channel.Content{Title: "Shipped", Text: "It comes on Monday."}})
	if err != nil {
		panic(err)
	}

	// An application pushes messages of its own.
	n, _ := hub.Push(ctx, websocket.Room("", "order-7"), websocket.JSON(map[string]int{"parcels": 2}))
	fmt.Println("pushed to", n)
	_, _ = hub.Push(ctx, websocket.User("", "ann"), websocket.Text("raw text"))
	_, _ = hub.Push(ctx, websocket.Everyone(), websocket.Frame{Type: websocket.Desktop, Title: "Hello, all"}.Payload())

	for range 4 {
		_, b, _ := page.Read(ctx)
		fmt.Println(string(b))
	}
	// Output:
	// pushed to 1
	// {"v":1,"type":"message","id":"d-1","title":"Shipped","text":"It comes on Monday."}
	// {"parcels":2}
	// raw text
	// {"v":1,"type":"desktop","title":"Hello, all"}
}

func ExampleFrame() {
	var f websocket.Frame
	err := json.Unmarshal([]byte(`{"v": 1, "type": "count", "data": {"unread": 3}}`), &f)
	fmt.Println(f.Type, string(f.Data), err)
	// Output: count {"unread": 3} <nil>
}
