package sign_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/internal/sign"
)

func TestBodyIsACopy(t *testing.T) {
	req, err := http.NewRequest(http.MethodPost, "https://example.com/", bytes.NewReader([]byte("hello")))
	require.NoError(t, err)
	require.Equal(t, "hello", string(sign.Body(req)))
	sent, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	require.Equal(t, "hello", string(sent), "the body is still there to send")

	req, err = http.NewRequest(http.MethodGet, "https://example.com/", nil)
	require.NoError(t, err)
	require.Empty(t, sign.Body(req))
}

func TestDigest(t *testing.T) {
	require.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", sign.Digest(nil))
}

// The vectors of RFC 2202 and RFC 4231, case 2.
func TestMAC(t *testing.T) {
	const key, text = "Jefe", "what do ya want for nothing?"
	require.Equal(t, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", hex.EncodeToString(sign.MAC(sha1.New, key, text)))
	require.Equal(t, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		hex.EncodeToString(sign.MAC(sha256.New, key, text)))
}
