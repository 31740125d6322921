package tencent_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
)

func TestCodes(t *testing.T) {
	tests := map[channel.Kind][]string{
		channel.InvalidRecipient: {
			"InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberParseFail", "FailedOperation.PhoneNumberInBlacklist",
		},
		channel.RateLimited: {
			"LimitExceeded.DeliveryFrequencyLimit", "LimitExceeded.GlobalSmsSendingRateLimit", "RequestLimitExceeded",
			"RequestLimitExceeded.UinLimitExceeded",
		},
		channel.Misconfigured: {
			"LimitExceeded.AppDailyLimit", "LimitExceeded.AppMainlandChinaDailyLimit", "LimitExceeded.DailyLimit",
			"FailedOperation.InsufficientBalanceInSmsPackage", "UnauthorizedOperation.RequestIpNotInWhitelist", "UnauthorizedOperation.SdkAppIdIsDisabled",
			"AuthFailure.SignatureFailure", "AuthFailure.SignatureExpire", "AuthFailure.SecretIdNotFound",
			"InvalidParameterValue.SdkAppIdNotExist", "InternalError.RequestTimeException",
		},
		channel.Rejected: {
			"FailedOperation.ContainSensitiveWord", "FailedOperation.SignatureIncorrectOrUnapproved", "FailedOperation.TemplateIncorrectOrUnapproved",
			"FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "FailedOperation.TemplateUnapprovedOrNotExist",
			"InvalidParameter", "InvalidParameterValue.TemplateParameterLengthLimit", "MissingParameter", "MissingParameter.EmptyPhoneNumberSet",
			"UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber", "LimitExceeded.PhoneNumberCountLimit",
			"FailedOperation.NeverHeardOf",
		},
		channel.Temporary: {"InternalError", "InternalError.SendAndRecvFail", "InternalError.OtherError"},
		channel.Uncertain: {"InternalError.Timeout", "NeverHeardOf"},
	}
	for kind, codes := range tests {
		for _, code := range codes {
			t.Run(code, func(t *testing.T) {
				for place, h := range map[string]http.HandlerFunc{
					"on top": refuses(code), "with the number": refusesNumber(code),
				} {
					err := smstest.Failure(t, h, func(s *httptest.Server) channel.Channel { return open(s.URL, s.Client()) },
						smstest.Approved("+8613800138000", "hello"))
					require.Equal(t, kind, err.Kind, place)
					require.Equal(t, code, err.Code)
					require.NotContains(t, err.Error(), "13800138000")
					require.Contains(t, err.Error(), requestID)
					if kind == channel.RateLimited {
						require.Equal(t, time.Second, err.RetryAfter)
					}
				}
			})
		}
	}
}

func TestLimitsOnOneMessage(t *testing.T) {
	noon := time.Date(2024, 1, 2, 4, 0, 0, 0, time.UTC) // in Beijing
	tests := map[string]struct {
		now  time.Time
		kind channel.Kind
		wait time.Duration
	}{
		"LimitExceeded.PhoneNumberThirtySecondLimit":     {noon, channel.Temporary, 30 * time.Second},
		"LimitExceeded.PhoneNumberOneHourLimit":          {noon, channel.Unreachable, time.Hour},
		"LimitExceeded.PhoneNumberDailyLimit":            {noon, channel.Unreachable, 12 * time.Hour},
		"LimitExceeded.PhoneNumberSameContentDailyLimit": {noon.Add(6 * time.Hour), channel.Unreachable, 6 * time.Hour},
		"FailedOperation.MarketingSendTimeConstraint":    {noon.Add(10 * time.Hour), channel.Temporary, 10 * time.Hour},
	}
	for code, tt := range tests {
		t.Run(code, func(t *testing.T) {
			v := tencent.Verdict(code, tt.now)
			require.Equal(t, tt.kind, v.Kind)
			require.Equal(t, tt.wait, v.Wait)
		})
	}
	t.Run("before eight it waits till eight the same day", func(t *testing.T) {
		v := tencent.Verdict("FailedOperation.MarketingSendTimeConstraint", noon.Add(-5*time.Hour))
		require.Equal(t, time.Hour, v.Wait)
	})
}
