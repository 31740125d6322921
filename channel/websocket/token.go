package websocket

import (
	"net/http"
	"strings"
)

// Subprotocol is the WebSocket subprotocol that the hub speaks.
const Subprotocol = "notify.v1"

// bearer is the prefix of a token among the offered subprotocols.
const bearer = "bearer."

// Token returns the bearer token of r, or "". It looks in the Authorization header first. A page cannot set a header, so Token then
// looks among the subprotocols that the client offers:
//
//	new WebSocket(url, ["notify.v1", "bearer." + token])
//
// A token among the subprotocols must consist of letters, digits and -._~+, as every JWT does. The hub answers with notify.v1 and
// never repeats the token.
func Token(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offer := range strings.SplitSeq(line, ",") {
			if token, ok := strings.CutPrefix(strings.TrimSpace(offer), bearer); ok {
				return token
			}
		}
	}
	return ""
}
