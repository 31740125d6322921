package websocket

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	coder "github.com/coder/websocket"
)

// Close codes of the hub. After a code from 3500 to 3999 a client must not reconnect; after any other code it may, with a growing
// delay. The hub also sends codes of RFC 6455: 1002 for a malformed frame, 1007 for text that is not UTF-8, 1009 for a message
// beyond Options.ReadLimit, and 1011 after a hook has panicked.
const (
	// CloseRestart: the hub is closing. The reason is "retry=" followed by the delay before reconnecting, in milliseconds. Each
	// connection gets a random delay, so that the clients do not all reconnect at once.
	CloseRestart = 1012
	// CloseExpired: the identity has expired. The client should reconnect with a new token.
	CloseExpired = 3000
	// CloseSilent: the client did not answer a ping.
	CloseSilent = 3008
	// CloseSlow: the client read too slowly, and its queue overflowed. The queued messages are lost: the client should reconnect
	// and fetch them from the host.
	CloseSlow = 3100
	// CloseFlood: the client sent messages faster than Options.OnMessage handled them.
	CloseFlood = 3101
	// CloseRevoked: the host has ended the session, such as after a sign-out. For use with [Hub.Disconnect]; the hub never sends
	// this code by itself.
	CloseRevoked = 3500
)

// Codes of RFC 6455, section 7.4.1. Codes 1005 and 1006 are never sent.
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

// closeFrame returns a close frame. A code that must not be sent is replaced by 1008, and a long reason is cut.
func closeFrame(code int, reason string) []byte {
	if !sendable(code) {
		code = closePolicy
	}
	const most = 123 // the body of a control frame has at most 125 bytes, and the code takes two
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

// closeCode returns the code of an encoded close frame.
func closeCode(frame []byte) int {
	if len(frame) < 4 {
		return closeNoCode
	}
	return int(binary.BigEndian.Uint16(frame[2:]))
}

// retryHint returns a reason for [CloseRestart].
func retryHint(spread time.Duration) string {
	return fmt.Sprintf("retry=%d", rand.Int64N(spread.Milliseconds()+1))
}
