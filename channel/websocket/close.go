package websocket

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	coder "github.com/coder/websocket"
)

// Close codes that the hub gives. A code from 3500 to 3999 tells a client to stay away; after any other it may come back, with a
// growing wait. The hub also gives the codes of RFC 6455: 1002 for a broken frame, 1007 for a text that is not UTF-8, 1009 for a
// message beyond Options.ReadLimit, and 1011 when a hook panicked.
const (
	// CloseRestart: the hub closes. The reason is "retry=" and after how many milliseconds to come back, another number for each
	// connection, so that not all come at once.
	CloseRestart = 1012
	// CloseExpired: the identity has expired. Come back with a new token.
	CloseExpired = 3000
	// CloseSilent: no answer to a heartbeat.
	CloseSilent = 3008
	// CloseSlow: the client read too slowly, and its queue was full. What did not fit is lost: come back and ask for it.
	CloseSlow = 3100
	// CloseFlood: the client sent faster than Options.OnMessage could work.
	CloseFlood = 3101
	// CloseRevoked: the host has ended the session, such as after a sign-out. For [Hub.Disconnect]; the hub itself never gives it.
	CloseRevoked = 3500
)

// Codes of RFC 6455, section 7.4.1. Neither 1005 nor 1006 is ever on the wire.
const (
	closeProtocol = 1002
	closeNoCode   = 1005
	closeLost     = 1006
	closeNotUTF8  = 1007
	closePolicy   = 1008
	closePanic    = 1011
)

const (
	writeTimeout = 10 * time.Second // for one write of at most writeSize bytes
	closeTimeout = 5 * time.Second  // for the client's answer to a close frame
	writeSize    = 64 << 10
)

// closeFrame is the frame that says code and reason. A code that may not be sent becomes 1008, a long reason is cut short.
func closeFrame(code int, reason string) []byte {
	if !sendable(code) {
		code = closePolicy
	}
	const most = 123 // a control frame has at most 125 bytes, two of which are the code
	reason = strings.ToValidUTF8(reason[:min(len(reason), most)], "")
	body := binary.BigEndian.AppendUint16(nil, uint16(code))
	return wire(opClose, append(body, reason...))
}

func sendable(code int) bool {
	switch coder.StatusCode(code) {
	case 1004, closeNoCode, closeLost:
		return false
	}
	return code >= 1000 && code <= 1014 || code >= 3000 && code <= 4999
}

// closeCode reads the code of a close frame that coder/websocket has written.
func closeCode(frame []byte) int {
	if len(frame) < 4 {
		return closeNoCode
	}
	return int(binary.BigEndian.Uint16(frame[2:]))
}

// retryHint is the reason of [CloseRestart].
func retryHint(spread time.Duration) string {
	return fmt.Sprintf("retry=%d", rand.Int64N(spread.Milliseconds()+1))
}
