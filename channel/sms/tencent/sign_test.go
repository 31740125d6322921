package tencent_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
)

func TestSignature(t *testing.T) {
	const body = `{"PhoneNumberSet":["+8613800138000"],"SmsSdkAppId":"1400000000","SignName":"测试签名","TemplateId":"1000001",` +
		`"TemplateParamSet":["123456","5"],"SessionContext":"ntf-0001"}`
	at := time.Unix(1704164645, 0)
	sign := func(secret, host, contentType, body string, at time.Time) string {
		req, err := http.NewRequest(http.MethodPost, "https://"+host+"/", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", contentType)
		tencent.SignTC3(req, sms.Credentials{ID: "AKIDtestid", Secret: secret}, "ap-guangzhou", "SendSms", at)
		auth := req.Header.Get("Authorization")
		const head = "TC3-HMAC-SHA256 Credential=AKIDtestid/2024-01-02/sms/tc3_request, SignedHeaders=content-type;host, Signature="
		require.True(t, strings.HasPrefix(auth, head), auth)
		return strings.TrimPrefix(auth, head)
	}
	const secret, host, ct = "testsecret", "sms.tencentcloudapi.com", "application/json"
	const want = "db814dddfb65e685a969d2bd26d93783d699849b049f86181219f22a4df5450e"
	require.Equal(t, want, sign(secret, host, ct, body, at))
	require.NotEqual(t, want, sign(smstest.Flip(secret), host, ct, body, at))
	require.NotEqual(t, want, sign(secret, smstest.Flip(host), ct, body, at))
	require.NotEqual(t, want, sign(secret, host, smstest.Flip(ct), body, at))
	require.NotEqual(t, want, sign(secret, host, ct, smstest.Flip(body), at))
	require.NotEqual(t, want, sign(secret, host, ct, body, at.Add(time.Second)))
}
