package sms

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// What the tests of package sms_test reach of the inside.

var (
	SignACS3 = signACS3
	SignRPC  = signRPC
	SignTC3  = signTC3
)

var SignedByTwilio = signedByTwilio

func AliyunVerdict(code, message string, now time.Time) (channel.Kind, time.Duration) {
	v := aliyunVerdict(code, message, now)
	return v.kind, v.wait
}

func TencentVerdict(code string, now time.Time) (channel.Kind, time.Duration) {
	v := tencentVerdict(code, now)
	return v.kind, v.wait
}

var AliyunAnswer, TencentAnswer, TwilioAnswer = aliyunAnswer, tencentAnswer, twilioAnswer

var TwilioForm = (*TwilioGateway).form

type Answer = httpsend.Answer

// AliyunReceipts and TencentReceipts read what the vendors push, TwilioReceipt what Twilio posts.
var AliyunReceipts, TencentReceipts, TwilioReceipt = receiptsOf[aliyunReport], receiptsOf[tencentReport], twilioReceipt
