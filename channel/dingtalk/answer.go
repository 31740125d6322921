package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// A reply is a response in DingTalk's own format, or in that of the gateway in front of DingTalk, which names a wait instead of a code:
//
//	{"errcode":88,"errmsg":"…","sub_code":"90002","sub_msg":"…"}
//	{"status":1111,"wait":5,"source":"x5","punish":"deny"}
type reply struct {
	Code    number `json:"errcode"`
	Text    string `json:"errmsg"`
	SubCode number `json:"sub_code"`
	SubText string `json:"sub_msg"`
	Status  number `json:"status"`
	Wait    number `json:"wait"` // seconds
	Punish  string `json:"punish"`

	answer httpsend.Answer
}

// A number is a JSON integer, with or without quotes. For any other JSON value, ok is false and decoding succeeds.
type number struct {
	value int64
	ok    bool
}

func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*n = number{v, err == nil}
	return nil
}

// parse decodes a. A response in neither format becomes a reply without a code.
func parse(a httpsend.Answer) reply {
	var r reply
	if json.Unmarshal(a.Body, &r) != nil {
		r = reply{}
	}
	r.answer = a
	return r
}

// code returns the most specific code: 88 only refers to the sub code.
func (r reply) code() int64 {
	if r.Code.value == 88 && r.SubCode.ok {
		return r.SubCode.value
	}
	return r.Code.value
}

func (r reply) denied() bool { return r.Punish == "deny" || r.Status.value == 1111 }

// fault returns the error that r stands for, or nil if DingTalk accepted the request. pause is the RetryAfter of a throttle that names
// no wait.
func (r reply) fault(pause time.Duration, classify func(reply) (channel.Kind, string)) error {
	a, code := r.answer, ""
	kind, text := a.Kind(), fmt.Sprintf("unexpected response with HTTP status %d", a.Status)
	switch {
	case r.denied():
		kind, text, code = channel.RateLimited, "throttled by the gateway", "1111"
	case r.Code.ok && r.Code.value != 0:
		kind, text = classify(r)
		code = strconv.FormatInt(r.code(), 10)
	case r.Code.ok && a.Status/100 == 2:
		return nil
	}
	if kind == channel.Unknown {
		kind = channel.Uncertain
	}
	e := a.Error(kind, code, errors.New(text))
	if kind == channel.RateLimited {
		e.RetryAfter = r.wait(time.Now(), pause)
	}
	return e
}

// wait returns the remaining time of a throttle, at most a day: from the header, the body, the text or, by default, pause.
func (r reply) wait(now time.Time, pause time.Duration) time.Duration {
	const day = 24 * time.Hour
	switch end := r.penaltyEnd(); {
	case r.answer.RetryAfter > 0:
		return min(r.answer.RetryAfter, day)
	case r.Wait.value > 0:
		return time.Duration(min(r.Wait.value, int64(day/time.Second))) * time.Second
	case end.After(now):
		return min(max(end.Sub(now), pause), day)
	default:
		return pause
	}
}

// penaltyEnd returns the end of a throttle as named in the text, or the zero time. The time zone is China's (UTC+8):
//
//	您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了, apiPath(…), …, 处罚将在 2018-12-09 15:01:11 结束.
func (r reply) penaltyEnd() time.Time {
	_, rest, _ := strings.Cut(r.Text+r.SubText, "处罚将在")
	when, _, _ := strings.Cut(rest, "结束")
	t, _ := time.ParseInLocation(time.DateTime, strings.TrimSpace(when), time.FixedZone("", 8*60*60))
	return t
}

// says reports whether r's texts contain one of words. The texts are Chinese or English, and their wording changes. So they decide only
// where one code has several meanings, and for unknown codes.
func (r reply) says(words ...string) bool {
	text := strings.ToLower(r.Text + " " + r.SubText)
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
