package aliyun

import (
	"net/http"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httphook"
	"github.com/e7ddda3c/notify/channel/internal/beijing"
)

// Callback returns a handler for the status reports that Aliyun pushes (SmsReport, HTTP batch push). It passes each report to sink,
// such as Notifier.Receive.
//
// Aliyun does not sign its calls, so the URL must end in the secret: mount the handler at "/hooks/aliyun/", and enter
// https://example.com/hooks/aliyun/<secret> in Aliyun's console. [httphook.Secret] has the rules for a secret; Callback panics if it
// breaks them.
//
// If sink fails on any report, the answer is 503, and Aliyun pushes all of them again, for up to a day; see [httphook].
//
// A report names the delivery, whose ID was sent as OutId. MOBILE_IN_BLACK and USER_REJECT mean that the recipient has opted out:
// [channel.InvalidRecipient]. Codes for a number that does not exist also mean a phone that is switched off: [channel.Unreachable].
func Callback(secret string, sink httphook.Sink) http.Handler {
	answers := &httphook.Options{Taken: `{"code":0,"msg":"ok"}`, Refused: `{"code":1,"msg":"not now"}`}
	return httphook.Secret(secret, httphook.New(httphook.JSONArray(report.receipt), sink, answers))
}

// A report is one of SmsReport. Source: https://help.aliyun.com/zh/sms/developer-reference/smsreport-2
type report struct {
	At      httphook.Text `json:"report_time"`
	Success httphook.Text `json:"success"`
	Code    httphook.Text `json:"err_code"`
	BizID   httphook.Text `json:"biz_id"`
	OutID   httphook.Text `json:"out_id"`
}

func (p report) receipt() channel.Receipt {
	r := channel.Receipt{
		DeliveryID: string(p.OutID), Provider: provider, ID: string(p.BizID), At: beijing.Parse(string(p.At)), Code: string(p.Code),
	}
	switch p.Success {
	case "true":
		r.Event = channel.Delivered
	case "false":
		r.Event, r.Kind = channel.Bounced, reportVerdict(r.Code).Bounce()
	}
	return r
}
