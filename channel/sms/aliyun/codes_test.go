package aliyun_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
)

func TestCodes(t *testing.T) {
	const ok, bad, down = http.StatusOK, http.StatusBadRequest, http.StatusServiceUnavailable
	tests := map[channel.Kind]map[string]int{
		channel.InvalidRecipient: {"isv.MOBILE_NUMBER_ILLEGAL": ok},
		channel.RateLimited:      {"Throttling": bad, "Throttling.User": bad, "Throttling.Api": bad},
		channel.Rejected: {
			"isv.MOBILE_COUNT_OVER_LIMIT": ok, "isv.INVALID_PARAMETERS": ok, "isv.INVALID_JSON_PARAM": ok, "isv.TEMPLATE_MISSING_PARAMETERS": ok,
			"isv.TEMPLATE_PARAMS_ILLEGAL": ok, "isv.PARAM_LENGTH_LIMIT": ok, "isv.PARAM_NOT_SUPPORT_URL": ok, "isv.BLACK_KEY_CONTROL_LIMIT": ok,
			"isv.SMS_CONTENT_ILLEGAL": ok, "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": ok, "isv.EXTEND_CODE_ERROR": ok,
			"isv.SMS_TEMPLATE_ILLEGAL": ok, "isv.SMS_SIGNATURE_ILLEGAL": ok, "isv.SMS_SIGN_ILLEGAL": ok, "isv.SIGN_STATE_ILLEGAL": ok,
			"isv.SMS_SIGNATURE_SCENE_ILLEGAL": ok,
			"isv.NEVER_HEARD_OF":              ok, "NeverHeardOf": bad,
		},
		channel.Misconfigured: {
			"isv.DAY_LIMIT_CONTROL": ok, "isv.MONTH_LIMIT_CONTROL": ok,
			"isp.RAM_PERMISSION_DENY": ok, "isv.PRODUCT_UN_SUBSCRIPT": ok, "isv.PRODUCT_UNSUBSCRIBE": ok, "isv.ACCOUNT_NOT_EXISTS": ok,
			"isv.ACCOUNT_ABNORMAL": ok, "isv.OUT_OF_SERVICE": ok, "isv.AMOUNT_NOT_ENOUGH": ok, "isv.DENY_IP_RANGE": ok,
			"InvalidAccessKeyId.NotFound": http.StatusNotFound, "SignatureDoesNotMatch": bad, "InvalidTimeStamp.Expired": bad,
			"NeverHeardOf.Denied": http.StatusForbidden,
		},
		channel.Uncertain: {"SignatureNonceUsed": bad, "NeverHeardOf.Taken": ok},
		channel.Temporary: {
			"isp.SYSTEM_ERROR": ok, "isp.GATEWAY_ERROR": ok, "isp.UNKNOWN": ok, "isp.NEVER_HEARD_OF": ok,
			"ServiceUnavailable": down, "InternalError": http.StatusInternalServerError, "NeverHeardOf.Down": down,
		},
	}
	for kind, codes := range tests {
		for code, status := range codes {
			t.Run(code, func(t *testing.T) {
				err := smstest.Failure(t, refuses(status, code, "13800138000 is at fault"), func(s *httptest.Server) channel.Channel {
					return open(s.URL, s.Client())
				}, smstest.Approved("+8613800138000", "hello"))
				require.Equal(t, kind, err.Kind)
				require.Equal(t, code, err.Code)
				require.NotContains(t, err.Error(), "13800138000")
				if kind == channel.RateLimited {
					require.Equal(t, time.Second, err.RetryAfter)
				}
			})
		}
	}
}

func TestCapsOnOneNumber(t *testing.T) {
	noon := time.Date(2024, 1, 2, 4, 0, 0, 0, time.UTC) // in Beijing
	tests := map[string]struct {
		message string
		now     time.Time
		kind    channel.Kind
		wait    time.Duration
	}{
		"a minute's":               {"触发分钟级流控Permits:1", noon, channel.Temporary, time.Minute},
		"an hour's":                {"触发小时级流控Permits:5", noon, channel.Unreachable, time.Hour},
		"a day's":                  {"触发天级流控Permits:10", noon, channel.Unreachable, 12 * time.Hour},
		"a day's at its end":       {"触发天级流控Permits:10", noon.Add(12*time.Hour - time.Minute), channel.Temporary, time.Minute},
		"a day's at its beginning": {"触发天级流控Permits:10", noon.Add(12 * time.Hour), channel.Unreachable, 24 * time.Hour},
		"one that does not say":    {"flow control", noon, channel.Temporary, time.Minute},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v := aliyun.Verdict("isv.BUSINESS_LIMIT_CONTROL", tt.message, tt.now)
			require.Equal(t, tt.kind, v.Kind)
			require.Equal(t, tt.wait, v.Wait)
		})
	}
}
