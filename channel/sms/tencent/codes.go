package tencent

import (
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/internal/beijing"
	"github.com/e7ddda3c/notify/channel/sms"
)

// verdict returns the meaning of an answer's code. Source: https://cloud.tencent.com/document/api/382/59177
func verdict(code string, now time.Time) sms.Verdict {
	switch code {
	case "InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberParseFail",
		"FailedOperation.PhoneNumberInBlacklist":
		return sms.Verdict{Kind: channel.InvalidRecipient}
	case "LimitExceeded.PhoneNumberThirtySecondLimit":
		return sms.PerNumber(30 * time.Second)
	case "LimitExceeded.PhoneNumberOneHourLimit":
		return sms.PerNumber(time.Hour)
	case "LimitExceeded.PhoneNumberDailyLimit", "LimitExceeded.PhoneNumberSameContentDailyLimit":
		return sms.PerNumber(beijing.Until(now, 0))
	case "LimitExceeded.PhoneNumberCountLimit":
		return sms.Verdict{Kind: channel.Rejected}
	case "LimitExceeded.DeliveryFrequencyLimit", "LimitExceeded.GlobalSmsSendingRateLimit":
		return sms.Verdict{Kind: channel.RateLimited, Wait: time.Second}
	case "FailedOperation.MarketingSendTimeConstraint": // holds for marketing only, so the account is not to be paused
		return sms.Verdict{Kind: channel.Temporary, Wait: beijing.Until(now, 8)}
	case "LimitExceeded.DailyLimit", "FailedOperation.InsufficientBalanceInSmsPackage", "InvalidParameterValue.SdkAppIdNotExist",
		"InternalError.RequestTimeException":
		return sms.Verdict{Kind: channel.Misconfigured}
	case "InternalError.Timeout":
		return sms.Verdict{Kind: channel.Uncertain}
	}
	return familyVerdict(code)
}

// familyVerdict goes by the first part of a code.
func familyVerdict(code string) sms.Verdict {
	if strings.HasPrefix(code, "LimitExceeded.App") { // the application's quota
		return sms.Verdict{Kind: channel.Misconfigured}
	}
	family, _, _ := strings.Cut(code, ".")
	switch family {
	case "RequestLimitExceeded":
		return sms.Verdict{Kind: channel.RateLimited, Wait: time.Second}
	case "AuthFailure", "UnauthorizedOperation":
		return sms.Verdict{Kind: channel.Misconfigured}
	case "InvalidParameter", "InvalidParameterValue", "MissingParameter", "UnsupportedOperation", "FailedOperation":
		return sms.Verdict{Kind: channel.Rejected}
	case "InternalError":
		return sms.Verdict{Kind: channel.Temporary}
	}
	return sms.Verdict{}
}
