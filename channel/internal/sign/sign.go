// Package sign holds the steps that the signatures of several vendors share.
package sign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
)

// Body returns a copy of req's body, or nil if there is none. The body must be rewindable, as http.NewRequest makes those in memory.
func Body(req *http.Request) []byte {
	if req.GetBody == nil {
		return nil
	}
	r, _ := req.GetBody() // over memory: cannot fail
	b, _ := io.ReadAll(r)
	return b
}

// Digest returns the SHA-256 of b in hexadecimal.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// MAC returns the HMAC of text under the hash h.
func MAC(h func() hash.Hash, key, text string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}
