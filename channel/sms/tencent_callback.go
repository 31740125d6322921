package sms

import (
	"context"
	"net/http"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// TencentCallback returns a handler for the status reports that Tencent Cloud pushes, which hands each to sink, mostly
// Notifier.Receive. What [AliyunCallback] says of the secret, and of a sink that fails, holds here too.
//
// A report names the message by Tencent's own number alone, so one that overtakes the answer to the request is not known yet: sink
// fails, and Tencent brings it again. Its codes are those of the carriers, which stand for a number that does not exist and for a
// phone that is switched off alike, and are all [channel.Unreachable].
func TencentCallback(secret string, sink func(context.Context, channel.Receipt) error) http.Handler {
	return push[tencentReport]("TencentCallback", secret, sink, `{"result":0,"errmsg":"OK"}`, `{"result":1,"errmsg":"not now"}`)
}

// Source: https://cloud.tencent.com/document/product/382/59178
type tencentReport struct {
	At     loose `json:"user_receive_time"`
	Status loose `json:"report_status"`
	Code   loose `json:"errmsg"`
	SID    loose `json:"sid"`
}

func (t tencentReport) receipt(now time.Time) channel.Receipt {
	r := channel.Receipt{Provider: "tencent", ID: string(t.SID), At: t.At.beijing(now), Code: t.Code.code()}
	switch t.Status {
	case "SUCCESS":
		r.Event = channel.Delivered
	case "FAIL":
		r.Event, r.Kind = channel.Bounced, channel.Unreachable
	}
	return r
}
