package httpsend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/httpsend"
)

func TestCheckURL(t *testing.T) {
	for _, good := range []string{"https://example.com", "http://127.0.0.1:8080/x?token=" + secret, "HTTPS://example.com/"} {
		require.NoError(t, httpsend.CheckURL("BaseURL", good), good)
	}
	for _, bad := range []string{"", "example.com", "//example.com", "/hooks/" + secret, "ftp://" + secret, "https:///" + secret, "https://%zz" + secret} {
		err := httpsend.CheckURL("BaseURL", bad)
		require.ErrorContains(t, err, "BaseURL", bad)
		require.NotContains(t, err.Error(), secret)
	}
}
