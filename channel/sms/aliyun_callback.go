package sms

import (
	"context"
	"net/http"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// AliyunCallback returns a handler for the status reports that Aliyun pushes (SmsReport, HTTP batch push), which hands each to sink,
// mostly Notifier.Receive.
//
// Aliyun signs nothing, so whoever knows the URL can report: its last segment must be the secret, at least 16 letters, digits and
// "-._~", best of [crypto/rand.Text]. Mount the handler at "/hooks/aliyun/" and give Aliyun's console
// https://example.com/hooks/aliyun/<secret>, and nobody else; keep it out of the proxy's access log. Any other path is not found. A
// secret that is missing or short is a mistake that would let anybody report anything: AliyunCallback panics.
//
// If sink fails on any report, the answer is 503, and Aliyun pushes all of them again; sink must take what it took before. A report
// that fails for a day, such as one for somebody else's message, is then dropped.
//
// A report names the delivery, which was sent as OutId. MOBILE_IN_BLACK and USER_REJECT mean that the recipient has opted out, and so
// [channel.InvalidRecipient]. Codes for a number that does not exist also stand for a phone that is switched off, and are
// [channel.Unreachable].
func AliyunCallback(secret string, sink func(context.Context, channel.Receipt) error) http.Handler {
	return push[aliyunReport]("AliyunCallback", secret, sink, `{"code":0,"msg":"ok"}`, `{"code":1,"msg":"not now"}`)
}

// Source: https://help.aliyun.com/zh/sms/developer-reference/smsreport-2
type aliyunReport struct {
	At      loose `json:"report_time"`
	Success loose `json:"success"`
	Code    loose `json:"err_code"`
	BizID   loose `json:"biz_id"`
	OutID   loose `json:"out_id"`
}

func (a aliyunReport) receipt(now time.Time) channel.Receipt {
	r := channel.Receipt{
		DeliveryID: string(a.OutID), Provider: "aliyun", ID: string(a.BizID), At: a.At.beijing(now), Code: a.Code.code(),
	}
	switch a.Success {
	case "true":
		r.Event = channel.Delivered
	case "false":
		r.Event, r.Kind = channel.Bounced, aliyunReportVerdict(r.Code).bounce()
	}
	return r
}

// aliyunReportVerdict says what the code of a report means.
func aliyunReportVerdict(code string) verdict {
	switch code {
	case "MOBILE_IN_BLACK", "USER_REJECT":
		return verdict{kind: channel.InvalidRecipient}
	case "CONTENT_KEYWORD", "CONTENT_ERROR", "PARAMS_ILLEGAL", "SIGNATURE_BLACKLIST", "NO_ROUTE":
		return verdict{kind: channel.Rejected}
	}
	return verdict{kind: channel.Unreachable} // MOBILE_NOT_ON_SERVICE, INVALID_NUMBER: does not exist, or is switched off
}
