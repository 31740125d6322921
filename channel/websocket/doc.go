// Package websocket pushes to open pages and apps. A [Hub] is the [net/http.Handler] that clients connect to, the channel that
// deliveries go through, and a way to push anything else to a user, a room, a tenant or everyone.
//
//	hub := websocket.New(func(r *http.Request) (websocket.Identity, error) {
//		claims, err := verify(websocket.Token(r)) // a JWT, a session: whatever the host trusts
//		if err != nil {
//			return websocket.Identity{}, err
//		}
//		return websocket.Identity{User: claims.Subject, Expires: claims.ExpiresAt}, nil
//	}, nil)
//	http.Handle("/ws", hub)
//	n, err := notify.New(notify.Config{Channels: notify.Channels{"page": hub}})
//	hub.Push(ctx, websocket.Room("", "order-7"), websocket.JSON(order))
//
// # What is sent
//
// A delivery goes to each connection of user Delivery.To in Delivery.Tenant as one [Frame]. Its title is Content.Title, its text
// Content.Text or else Content.Markdown as it stands, its url Content.URL. HTML and attachments are not sent. [Extra] makes it a
// desktop notification and adds data. What an application pushes itself, as [Text], [JSON] or [Bytes], goes unwrapped. Nothing is
// kept for later: who is not connected misses it.
//
// # Who may connect
//
// The authenticator decides, before the handshake is answered. Pages may come from the hub's own host and from Options.Origins.
// When Identity.Expires has come, the connection is closed. A connection whose client does not read is closed when its queue is
// full, and costs nobody else anything.
//
// # In a page
//
// A page brings its token as a subprotocol (see [Token]). This is all that it needs to stay connected:
//
//	function connect(url, getToken, onFrame, tries = 0) {
//	  const again = ms => setTimeout(connect, ms, url, getToken, onFrame, tries + 1);
//	  const wait = () => (0.5 + Math.random() / 2) * Math.min(30000, 1000 * 2 ** tries);
//	  getToken().then(token => {
//	    const ws = new WebSocket(url, ["notify.v1", "bearer." + token]);
//	    ws.onopen = () => { tries = 0; };
//	    ws.onmessage = e => onFrame(JSON.parse(e.data)); // {v, type, id, title, text, url, data}, or what the host pushes as JSON
//	    ws.onclose = e => {
//	      const hint = /^retry=(\d+)$/.exec(e.reason); // the hub restarts, and spreads its clients
//	      if (e.code < 3500 || e.code > 3999) again(hint ? +hint[1] : wait()); // else it says to stay away
//	    };
//	  }, () => again(wait()));
//	}
//	connect("wss://" + location.host + "/ws", async () => (await fetch("/token")).text(), frame => {
//	  if (frame.type === "desktop") new Notification(frame.title, { body: frame.text }); // ask for permission first
//	});
package websocket
