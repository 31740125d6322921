package tencent_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
)

func TestReports(t *testing.T) {
	const secret = "XVNPF3QKJ5T6WD2RZ4HYBM7CLE"
	s := &smstest.Sink{}
	push := func(body string) {
		require.Equal(t, http.StatusOK, smstest.Call(tencent.Callback(secret, s.Take), http.MethodPost, "/"+secret, body).Code)
	}
	body := `[{"user_receive_time":"2015-10-17 08:03:04","nationcode":"86","mobile":"13800138000","report_status":"FAIL","errmsg":"MK:0001","description":"空号","sid":"5000:1"}]`
	push(body)
	require.Equal(t, []channel.Receipt{{
		Provider: "tencent", ID: "5000:1", Event: channel.Bounced, At: time.Date(2015, 10, 17, 0, 3, 4, 0, time.UTC), Code: "MK:0001",
		Kind: channel.Unreachable,
	}}, s.Got)
	push(strings.Replace(body, "2015", "9015", 1))
	require.Len(t, s.Got, 2)
	require.Zero(t, s.Got[1].At, "a time to come is none")
}
