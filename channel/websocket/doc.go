// Package websocket pushes messages to open pages and apps. A [Hub] is the [net/http.Handler] that clients connect to, and the
// channel for deliveries. Applications also use it to push messages of their own to a user, a room, a tenant or everyone.
//
//	hub := websocket.New(func(r *http.Request) (websocket.Identity, error) {
//		claims, err := verify(websocket.Token(r)) // a JWT or a session ID
//		if err != nil {
//			return websocket.Identity{}, err
//		}
//		return websocket.Identity{User: claims.Subject, Expires: claims.ExpiresAt}, nil
//	}, nil)
//	http.Handle("/ws", hub)
//	n, err := notify.New(notify.Config{Channels: notify.Channels{"page": hub}})
//	hub.Push(ctx, websocket.Room("", "order-7"), websocket.JSON(order))
//
// # Messages
//
// The hub sends a delivery as one [Frame] to every connection of user Delivery.To in Delivery.Tenant. The frame's title is
// Content.Title, its text is Content.Text or else the source of Content.Markdown, and its url is Content.URL. HTML and attachments
// are not sent. [Extra] can turn the frame into a desktop notification, and add data. Messages that an application pushes with
// [Text], [JSON] or [Bytes] are sent unwrapped. The hub stores no messages: a user who is not connected misses them.
//
// # Access
//
// The authenticator decides before the handshake is answered. Pages may connect from the hub's own host and from Options.Origins.
// The hub closes the connection when Identity.Expires is reached. It closes the connection of a client that does not read once the
// client's queue is full; such a client never delays the others.
//
// # Pages
//
// A page passes its token as a subprotocol (see [Token]). This code keeps a page connected:
//
//	function connect(url, getToken, onFrame, tries = 0) {
//	  const again = ms => setTimeout(connect, ms, url, getToken, onFrame, tries + 1);
//	  const wait = () => (0.5 + Math.random() / 2) * Math.min(30000, 1000 * 2 ** tries);
//	  getToken().then(token => {
//	    const ws = new WebSocket(url, ["notify.v1", "bearer." + token]);
//	    ws.onopen = () => { tries = 0; };
//	    ws.onmessage = e => onFrame(JSON.parse(e.data)); // {v, type, id, title, text, url, data}, or JSON that the host pushed
//	    ws.onclose = e => {
//	      const hint = /^retry=(\d+)$/.exec(e.reason); // sent by a hub that restarts, to spread the clients
//	      if (e.code < 3500 || e.code > 3999) again(hint ? +hint[1] : wait()); // other codes mean: do not reconnect
//	    };
//	  }, () => again(wait()));
//	}
//	connect("wss://" + location.host + "/ws", async () => (await fetch("/token")).text(), frame => {
//	  if (frame.type === "desktop") new Notification(frame.title, { body: frame.text }); // ask for permission first
//	});
package websocket
