package aliyun

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/sms"
)

// readAnswer returns the vendor's id of the message, or the failure. A refusal by the SMS service, too, has status 200.
func readAnswer(a httpsend.Answer, now time.Time) (bizID string, err error) {
	var r struct{ Code, Message, BizID, RequestID string }
	err = json.Unmarshal(a.Body, &r)
	switch taken := r.Code == "OK"; {
	case err != nil, r.Code == "", taken && a.Status != http.StatusOK:
		return "", sms.Unrecognized(provider, a)
	case taken:
		return r.BizID, nil
	}
	v := verdict(r.Code, r.Message, now)
	if v.Kind == channel.RateLimited {
		v.Wait = max(v.Wait, timeLeft(a.Header))
	}
	return "", sms.Refused(provider, a, r.Code, r.RequestID, v)
}

// timeLeft returns the longest wait in the headers of a throttle, such as "Limit:1,Remain:0,TimeLeft:2000,Reset:1234". The unit is a
// millisecond, as in Aliyun's SDKs.
func timeLeft(h http.Header) (wait time.Duration) {
	for _, name := range []string{"X-Ratelimit-User-Api", "X-Ratelimit-User"} {
		for pair := range strings.SplitSeq(h.Get(name), ",") {
			key, value, _ := strings.Cut(pair, ":")
			if strings.TrimSpace(key) != "TimeLeft" {
				continue
			}
			ms, _ := strconv.ParseUint(strings.TrimSpace(value), 10, 31) // zero if malformed, the maximum if out of range
			wait = max(wait, time.Duration(ms)*time.Millisecond)
		}
	}
	return wait
}
