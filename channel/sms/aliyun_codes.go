package sms

import (
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// aliyunVerdict says what a code of Aliyun's means. Codes that begin with "isv." are the caller's fault, those with "isp." the
// vendor's; codes without either are the API gateway's.
// Source: https://help.aliyun.com/document_detail/101346.html
func aliyunVerdict(code, message string, now time.Time) verdict {
	switch code {
	case "isv.BUSINESS_LIMIT_CONTROL":
		return perNumber(aliyunWindow(message, now))
	case "isv.MOBILE_NUMBER_ILLEGAL":
		return verdict{kind: channel.InvalidRecipient}
	case "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL", "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE", "isv.DENY_IP_RANGE",
		"isv.ACCOUNT_NOT_EXISTS", "isv.ACCOUNT_ABNORMAL", "isv.PRODUCT_UN_SUBSCRIPT", "isv.PRODUCT_UNSUBSCRIBE",
		"isp.RAM_PERMISSION_DENY", "SignatureDoesNotMatch":
		return verdict{kind: channel.Misconfigured}
	case "SignatureNonceUsed": // the same request has arrived before
		return verdict{kind: channel.Uncertain}
	case "ServiceUnavailable", "InternalError":
		return verdict{kind: channel.Temporary}
	}
	family, _, _ := strings.Cut(code, ".")
	switch family {
	case "Throttling": // with .User, .Api
		return verdict{channel.RateLimited, time.Second}
	case "InvalidAccessKeyId", "InvalidSecurityToken", "InvalidTimeStamp", "IncompleteSignature", "Forbidden":
		return verdict{kind: channel.Misconfigured}
	case "isv": // template, signature, parameters, content
		return verdict{kind: channel.Rejected}
	case "isp":
		return verdict{kind: channel.Temporary}
	}
	return verdict{}
}

// aliyunWindow reads from a message such as "触发天级流控Permits:10" how long the cap on one number holds. A day's ends at midnight in
// Beijing.
func aliyunWindow(message string, now time.Time) time.Duration {
	switch {
	case strings.Contains(message, "天级"):
		return untilBeijing(now, 0)
	case strings.Contains(message, "小时级"):
		return time.Hour
	}
	return time.Minute
}
