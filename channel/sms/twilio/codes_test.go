package twilio_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
)

func TestCodes(t *testing.T) {
	tests := map[channel.Kind][]int{
		channel.Misconfigured:    {20003, 20005, 20404, 21606, 21659, 21660, 21212, 30002, 21408, 30032, 30034},
		channel.InvalidRecipient: {21211, 21214, 21614, 21610, 21612, 30004, 30005, 30006},
		channel.Rejected:         {21602, 21619, 21603, 21604, 21617, 21620, 30007, 30010, 30036, 29999},
		channel.RateLimited:      {20429, 21611, 14107, 30022},
		channel.Temporary:        {20500, 20503, 30001, 30003, 30008},
	}
	waits := map[int]time.Duration{20429: time.Second, 21611: time.Minute, 14107: time.Minute, 30022: time.Second}
	for kind, codes := range tests {
		for _, code := range codes {
			t.Run(strconv.Itoa(code), func(t *testing.T) {
				err := smstest.Failure(t, refuses(http.StatusBadRequest, code), func(s *httptest.Server) channel.Channel {
					return open(s.URL, s.Client())
				}, smstest.Text("+15005550006", "hello"))
				require.Equal(t, kind, err.Kind)
				require.Equal(t, strconv.Itoa(code), err.Code)
				require.Equal(t, waits[code], err.RetryAfter)
				require.NotContains(t, err.Error(), "15005550006")
			})
		}
	}
}
