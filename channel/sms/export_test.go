package sms

import (
	"net/http"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// What the tests of package sms_test reach of the inside.

func SignAliyunV3(req *http.Request, id, secret, token, action string, at time.Time, nonce string) {
	aliyunKey{id, secret, token}.signV3(req, action, at, nonce)
}

func SignAliyunV1(req *http.Request, id, secret, token, action string, at time.Time, nonce string) {
	aliyunKey{id, secret, token}.signV1(req, action, at, nonce)
}

func SignTencent(req *http.Request, id, secret, token, region, action string, at time.Time) {
	tencentKey{id, secret, token, region}.sign(req, action, at)
}

var SignedByTwilio = signedByTwilio

func AliyunVerdict(code, message string, now time.Time) (channel.Kind, time.Duration) {
	v := aliyunVerdict(code, message, now)
	return v.kind, v.wait
}

func TencentVerdict(code string, now time.Time) (channel.Kind, time.Duration) {
	v := tencentVerdict(code, now)
	return v.kind, v.wait
}

func TwilioVerdict(code int) (channel.Kind, time.Duration) {
	v := twilioVerdict(code)
	return v.kind, v.wait
}

var AliyunAnswer, TencentAnswer, TwilioAnswer = aliyunAnswer, tencentAnswer, twilioAnswer

var TwilioForm = (*TwilioGateway).form

type Answer = httpsend.Answer
