package aliyun_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
)

func TestReports(t *testing.T) {
	tests := map[string]struct {
		fields string
		want   channel.Receipt
	}{
		"delivered":         {`"success":true,"err_code":"DELIVERED"`, channel.Receipt{Event: channel.Delivered, Code: "DELIVERED"}},
		"a word for true":   {`"success":"true"`, channel.Receipt{Event: channel.Delivered}},
		"opted out":         {`"success":false,"err_code":"MOBILE_IN_BLACK"`, channel.Receipt{Event: channel.Bounced, Code: "MOBILE_IN_BLACK", Kind: channel.InvalidRecipient}},
		"opted out as well": {`"success":false,"err_code":"USER_REJECT"`, channel.Receipt{Event: channel.Bounced, Code: "USER_REJECT", Kind: channel.InvalidRecipient}},
		"switched off, or not there": {`"success":false,"err_code":"MOBILE_NOT_ON_SERVICE"`,
			channel.Receipt{Event: channel.Bounced, Code: "MOBILE_NOT_ON_SERVICE", Kind: channel.Unreachable}},
		"refused for its words":   {`"success":false,"err_code":"CONTENT_KEYWORD"`, channel.Receipt{Event: channel.Bounced, Code: "CONTENT_KEYWORD", Kind: channel.Rejected}},
		"a carrier's code":        {`"success":false,"err_code":"MK:0001"`, channel.Receipt{Event: channel.Bounced, Code: "MK:0001", Kind: channel.Unreachable}},
		"a code that is a text":   {`"success":false,"err_code":"your code is 4711!"`, channel.Receipt{Event: channel.Bounced, Kind: channel.Unreachable}},
		"a code that is a number": {`"success":false,"err_code":17`, channel.Receipt{Event: channel.Bounced, Code: "17", Kind: channel.Unreachable}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			const secret = "XVNPF3QKJ5T6WD2RZ4HYBM7CLE"
			tt.want.DeliveryID, tt.want.Provider, tt.want.ID = "ntf-0001", "aliyun", "900619746936498440^0"
			s := &smstest.Sink{}
			body := `[{"biz_id":"900619746936498440^0","out_id":"ntf-0001","report_time":null,` + tt.fields + `}]`
			w := smstest.Call(aliyun.Callback(secret, s.Take), http.MethodPost, "/"+secret, body)
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, []channel.Receipt{tt.want}, s.Got)
		})
	}
}
