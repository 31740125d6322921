package sms

import (
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// tencentVerdict says what a code of Tencent's means. Source: https://cloud.tencent.com/document/api/382/59177
func tencentVerdict(code string, now time.Time) verdict {
	switch code {
	case "InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberParseFail",
		"FailedOperation.PhoneNumberInBlacklist":
		return verdict{kind: channel.InvalidRecipient}
	case "LimitExceeded.PhoneNumberThirtySecondLimit":
		return perNumber(30 * time.Second)
	case "LimitExceeded.PhoneNumberOneHourLimit":
		return perNumber(time.Hour)
	case "LimitExceeded.PhoneNumberDailyLimit", "LimitExceeded.PhoneNumberSameContentDailyLimit":
		return perNumber(untilBeijing(now, 0))
	case "LimitExceeded.PhoneNumberCountLimit":
		return verdict{kind: channel.Rejected}
	case "LimitExceeded.DeliveryFrequencyLimit", "LimitExceeded.GlobalSmsSendingRateLimit":
		return verdict{channel.RateLimited, time.Second}
	case "FailedOperation.MarketingSendTimeConstraint": // holds for marketing only, so the account is not to be paused
		return verdict{channel.Temporary, untilBeijing(now, 8)}
	case "LimitExceeded.DailyLimit", "FailedOperation.InsufficientBalanceInSmsPackage", "InvalidParameterValue.SdkAppIdNotExist",
		"InternalError.RequestTimeException":
		return verdict{kind: channel.Misconfigured}
	case "InternalError.Timeout":
		return verdict{kind: channel.Uncertain}
	}
	return tencentFamily(code)
}

// tencentFamily goes by what a code begins with.
func tencentFamily(code string) verdict {
	if strings.HasPrefix(code, "LimitExceeded.App") { // the application's quota
		return verdict{kind: channel.Misconfigured}
	}
	family, _, _ := strings.Cut(code, ".")
	switch family {
	case "RequestLimitExceeded":
		return verdict{channel.RateLimited, time.Second}
	case "AuthFailure", "UnauthorizedOperation":
		return verdict{kind: channel.Misconfigured}
	case "InvalidParameter", "InvalidParameterValue", "MissingParameter", "UnsupportedOperation", "FailedOperation":
		return verdict{kind: channel.Rejected}
	case "InternalError":
		return verdict{kind: channel.Temporary}
	}
	return verdict{}
}
