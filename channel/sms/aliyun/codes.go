package aliyun

import (
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/internal/beijing"
	"github.com/e7ddda3c/notify/channel/sms"
)

// verdict returns the meaning of an answer's code. A code with the prefix "isv." is the caller's fault, with "isp." the vendor's; the API
// gateway's codes have neither.
// Source: https://help.aliyun.com/document_detail/101346.html
func verdict(code, message string, now time.Time) sms.Verdict {
	switch code {
	case "isv.BUSINESS_LIMIT_CONTROL":
		return sms.PerNumber(window(message, now))
	case "isv.MOBILE_NUMBER_ILLEGAL":
		return sms.Verdict{Kind: channel.InvalidRecipient}
	case "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL", "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE", "isv.DENY_IP_RANGE",
		"isv.ACCOUNT_NOT_EXISTS", "isv.ACCOUNT_ABNORMAL", "isv.PRODUCT_UN_SUBSCRIPT", "isv.PRODUCT_UNSUBSCRIBE",
		"isp.RAM_PERMISSION_DENY", "SignatureDoesNotMatch":
		return sms.Verdict{Kind: channel.Misconfigured}
	case "SignatureNonceUsed": // the same request has arrived before
		return sms.Verdict{Kind: channel.Uncertain}
	case "ServiceUnavailable", "InternalError":
		return sms.Verdict{Kind: channel.Temporary}
	}
	family, _, _ := strings.Cut(code, ".")
	switch family {
	case "Throttling": // with .User, .Api
		return sms.Verdict{Kind: channel.RateLimited, Wait: time.Second}
	case "InvalidAccessKeyId", "InvalidSecurityToken", "InvalidTimeStamp", "IncompleteSignature", "Forbidden":
		return sms.Verdict{Kind: channel.Misconfigured}
	case "isv": // template, signature, parameters, content
		return sms.Verdict{Kind: channel.Rejected}
	case "isp":
		return sms.Verdict{Kind: channel.Temporary}
	}
	return sms.Verdict{}
}

// window returns the duration of a cap on one number, from a message such as "触发天级流控Permits:10". A day's cap ends at midnight in
// Beijing.
func window(message string, now time.Time) time.Duration {
	switch {
	case strings.Contains(message, "天级"):
		return beijing.Until(now, 0)
	case strings.Contains(message, "小时级"):
		return time.Hour
	}
	return time.Minute
}

// reportVerdict returns the meaning of a status report's code.
func reportVerdict(code string) sms.Verdict {
	switch code {
	case "MOBILE_IN_BLACK", "USER_REJECT":
		return sms.Verdict{Kind: channel.InvalidRecipient}
	case "CONTENT_KEYWORD", "CONTENT_ERROR", "PARAMS_ILLEGAL", "SIGNATURE_BLACKLIST", "NO_ROUTE":
		return sms.Verdict{Kind: channel.Rejected}
	}
	return sms.Verdict{Kind: channel.Unreachable} // MOBILE_NOT_ON_SERVICE, INVALID_NUMBER: does not exist, or is switched off
}
