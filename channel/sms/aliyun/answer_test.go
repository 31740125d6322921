package aliyun_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
)

func TestErrorNamesTheRequest(t *testing.T) {
	for id, want := range map[string]bool{"F655A8D5-B967-440B-8683-DAD6FF8DE990": true, "13800138000": false} {
		_, err := aliyun.ReadAnswer(httpsend.Answer{Status: 200, Body: []byte(`{"Code":"isv.X","RequestId":"` + id + `"}`)}, signedAt)
		require.Equal(t, want, strings.Contains(err.Error(), id))
	}
}

func TestTimeLeft(t *testing.T) {
	tests := map[string]struct {
		api, user string
		want      time.Duration
	}{
		"takes the larger":                  {"TimeLeft:3000", "TimeLeft:2000", 3 * time.Second},
		"takes either":                      {"", "Limit:1,Remain:0, TimeLeft : 2500 ,Reset:1234", 2500 * time.Millisecond},
		"waits a second at least":           {"TimeLeft:5", "", time.Second},
		"waits a second without":            {"Remain:0", "", time.Second},
		"does not believe a negative":       {"TimeLeft:-9000", "", time.Second},
		"does not believe a word":           {"TimeLeft:soon", "TimeLeft", time.Second},
		"does not believe too great a wish": {"TimeLeft:99999999999999999999", "", 1<<31*time.Millisecond - time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			h.Set("x-ratelimit-user-api", tt.api)
			h.Set("x-ratelimit-user", tt.user)
			_, err := aliyun.ReadAnswer(httpsend.Answer{Status: 400, Header: h, Body: []byte(`{"Code":"Throttling"}`)}, signedAt)
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, channel.RateLimited, e.Kind)
			require.Equal(t, tt.want, e.RetryAfter)
		})
	}
}

func TestStrangeAnswers(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		want   channel.Kind
	}{
		"an empty page":             {200, "", channel.Uncertain},
		"a proxy's page":            {200, "<html>", channel.Uncertain},
		"JSON that is not Aliyun's": {200, `{"success":true}`, channel.Uncertain},
		"a code of another type":    {200, `{"Code":200}`, channel.Uncertain},
		"a code that is no word":    {200, `{"Code":"isv.X\nall is well"}`, channel.Uncertain},
		"OK with a failing status":  {502, `{"Code":"OK"}`, channel.Uncertain},
		"a bare 500":                {500, "", channel.Uncertain},
		"a bare 403":                {403, "", channel.Misconfigured},
		"a bare 404":                {404, "", channel.Rejected},
		"a bare 429":                {429, "", channel.RateLimited},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := aliyun.ReadAnswer(httpsend.Answer{Status: tt.status, Body: []byte(tt.body)}, signedAt)
			require.ErrorIs(t, err, tt.want)
		})
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"Code":"OK","Message":"OK","BizId":"900619746936498440^0","RequestId":"F655A8D5-B967-440B-8683-DAD6FF8DE990"}`, "")
	f.Add(200, `{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"触发天级流控Permits:10","RequestId":"F655A8D5-B967-440B-8683-DAD6FF8DE990"}`, "")
	f.Add(400, `{"Code":"Throttling.User","Message":"Request was denied","HostId":"dysmsapi.aliyuncs.com"}`, "Limit:1,Remain:0,TimeLeft:2000")
	f.Add(502, `<html>Bad Gateway</html>`, "TimeLeft:")
	f.Fuzz(func(t *testing.T, status int, body, limit string) {
		a := httpsend.Answer{Status: status, Header: http.Header{"X-Ratelimit-User": {limit}}, Body: []byte(body)}
		_, err := aliyun.ReadAnswer(a, signedAt)
		var r struct{ Code string }
		taken := json.Unmarshal(a.Body, &r) == nil && r.Code == "OK" && status == http.StatusOK
		smstest.Understood(t, err, taken)
	})
}
