package dingtalk_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

type verdict struct {
	status int // 0 means 200
	body   string
	kind   channel.Kind
	code   string
	wait   time.Duration
}

func TestRobotCodes(t *testing.T) {
	const muted = 10 * time.Minute
	check(t, dingtalk.FaultOfRobot, map[string]verdict{
		"system busy":                        {body: `{"errcode":-1,"errmsg":"系统繁忙"}`, kind: channel.Temporary, code: "-1"},
		"busy because of a throttle":         {body: `{"errcode":-1,"errmsg":"send too fast"}`, kind: channel.RateLimited, code: "-1", wait: muted},
		"throttled":                          {body: `{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`, kind: channel.RateLimited, code: "130101", wait: muted},
		"throttled, as documented":           {body: `{"errcode":410100,"errmsg":"发送速度太快而限流"}`, kind: channel.RateLimited, code: "410100", wait: muted},
		"throttled, as observed":             {body: `{"errcode":660026,"errmsg":"sending too many messages per minute"}`, kind: channel.RateLimited, code: "660026", wait: muted},
		"throttled, as reported":             {body: `{"errcode":302033,"errmsg":"send too fast"}`, kind: channel.RateLimited, code: "302033", wait: muted},
		"throttled webhook":                  {body: `{"errcode":90030,"errmsg":"over limit"}`, kind: channel.RateLimited, code: "90030", wait: muted},
		"throttled under a new code":         {body: `{"errcode":777001,"errmsg":"发送太快"}`, kind: channel.RateLimited, code: "777001", wait: muted},
		"denied by the gateway":              {body: `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"1c7f"}`, kind: channel.RateLimited, code: "1111", wait: 5 * time.Second},
		"denied by the gateway, with a code": {body: `{"errcode":0,"status":1111,"wait":"7","punish":"deny"}`, kind: channel.RateLimited, code: "1111", wait: 7 * time.Second},
		"denied without a wait":              {body: `{"punish":"deny"}`, kind: channel.RateLimited, code: "1111", wait: muted},
		"denied for ages":                    {body: `{"status":1111,"wait":9223372036854775807}`, kind: channel.RateLimited, code: "1111", wait: 24 * time.Hour},
		"denied for less than nothing":       {body: `{"status":1111,"wait":-5}`, kind: channel.RateLimited, code: "1111", wait: muted},
		"no keyword":                         {body: `{"errcode":310000,"errmsg":"keywords not in content, more: [https://open.dingtalk.com]"}`, kind: channel.Rejected, code: "310000"},
		"no keyword, in Chinese":             {body: `{"errcode":310000,"errmsg":"错误描述:关键词不匹配;"}`, kind: channel.Rejected, code: "310000"},
		"a wrong signature":                  {body: `{"errcode":310000,"errmsg":"sign not match"}`, kind: channel.Misconfigured, code: "310000"},
		"a wrong signature, in Chinese":      {body: `{"errcode":310000,"errmsg":"错误描述:机器人发送签名不匹配;"}`, kind: channel.Misconfigured, code: "310000"},
		"a wrong clock":                      {body: `{"errcode":310000,"errmsg":"invalid timestamp"}`, kind: channel.Misconfigured, code: "310000"},
		"a wrong IP address":                 {body: `{"errcode":310000,"errmsg":"ip 192.0.2.7 not in whitelist"}`, kind: channel.Misconfigured, code: "310000"},
		"a throttle under the settings":      {body: `{"errcode":310000,"errmsg":"too many requests"}`, kind: channel.RateLimited, code: "310000", wait: muted},
		"settings in words of their own":     {body: `{"errcode":310000,"errmsg":"no"}`, kind: channel.Misconfigured, code: "310000"},
		"no such token":                      {body: `{"errcode":300005,"errmsg":"token is not exist"}`, kind: channel.Misconfigured, code: "300005"},
		"no such token, older":               {body: `{"errcode":300001,"errmsg":"token is not exist"}`, kind: channel.Misconfigured, code: "300001"},
		"no such token, documented":          {body: `{"errcode":400101,"errmsg":"access_token不存在"}`, kind: channel.Misconfigured, code: "400101"},
		"stopped":                            {body: `{"errcode":400102,"errmsg":"机器人已停用"}`, kind: channel.Misconfigured, code: "400102"},
		"not in the group":                   {body: `{"errcode":400106,"errmsg":"机器人不存在"}`, kind: channel.Misconfigured, code: "400106"},
		"group dissolved":                    {body: `{"errcode":400013,"errmsg":"群已被解散"}`, kind: channel.Misconfigured, code: "400013"},
		"a parameter is missing":             {body: `{"errcode":40035,"errmsg":"缺少参数 text.content"}`, kind: channel.Rejected, code: "40035"},
		"the token is missing":               {body: `{"errcode":40035,"errmsg":"缺少参数 access_token"}`, kind: channel.Misconfigured, code: "40035"},
		"an unsupported type":                {body: `{"errcode":400105,"errmsg":"不支持的消息类型"}`, kind: channel.Rejected, code: "400105"},
		"a wrong method":                     {body: `{"errcode":43002,"errmsg":"require POST"}`, kind: channel.Rejected, code: "43002"},
		"a wrong content type":               {body: `{"errcode":43004,"errmsg":"bad content type"}`, kind: channel.Rejected, code: "43004"},
		"an unsafe link":                     {body: `{"errcode":430101,"errmsg":"含有不安全的外链"}`, kind: channel.Rejected, code: "430101"},
		"an unsafe text":                     {body: `{"errcode":430102,"errmsg":"含有不合适的文本"}`, kind: channel.Rejected, code: "430102"},
		"an unsafe image":                    {body: `{"errcode":430103,"errmsg":"含有不合适的图片"}`, kind: channel.Rejected, code: "430103"},
		"unsafe content":                     {body: `{"errcode":430104,"errmsg":"含有不合适的内容"}`, kind: channel.Rejected, code: "430104"},
		"too long":                           {body: `{"errcode":460101,"errmsg":"message too long, exceed 20000 bytes"}`, kind: channel.Rejected, code: "460101"},
		"a bare 429":                         {status: 429, kind: channel.RateLimited, wait: muted},
		"a busy page":                        {status: 503, body: `{"errcode":-1,"errmsg":"system busy"}`, kind: channel.Temporary, code: "-1"},
	})
}

func TestWorkCodes(t *testing.T) {
	tests := map[string]verdict{
		"system busy":                {body: `{"errcode":-1,"errmsg":"system busy"}`, kind: channel.Temporary, code: "-1"},
		"a token refused":            {body: `{"errcode":40014,"errmsg":"不合法的access_token"}`, kind: channel.Misconfigured, code: "40014"},
		"a token ended":              {body: `{"errcode":88,"sub_code":42001,"sub_msg":"access_token超时"}`, kind: channel.Misconfigured, code: "42001"},
		"no permission":              {body: `{"errcode":88,"sub_code":"60011","sub_msg":"没有调用该接口的权限"}`, kind: channel.Misconfigured, code: "60011"},
		"an IP address not allowed":  {body: `{"errcode":88,"sub_code":"60020","sub_msg":"访问ip不在白名单之中"}`, kind: channel.Misconfigured, code: "60020"},
		"a wrong secret":             {body: `{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`, kind: channel.Misconfigured, code: "40096"},
		"a wrong secret, older":      {body: `{"errcode":40089,"errmsg":"不合法的corpid或corpsecret"}`, kind: channel.Misconfigured, code: "40089"},
		"a wrong agent id":           {body: `{"errcode":40056,"errmsg":"不合法的agentid"}`, kind: channel.Misconfigured, code: "40056"},
		"no app with the agent id":   {body: `{"errcode":70003,"errmsg":"agentid对应微应用不存在"}`, kind: channel.Misconfigured, code: "70003"},
		"agent id of another":        {body: `{"errcode":70004,"errmsg":"企业下没有对应该agentid的微应用"}`, kind: channel.Misconfigured, code: "70004"},
		"an illegal parameter":       {body: `{"errcode":40035,"errmsg":"不合法的参数 msg"}`, kind: channel.Rejected, code: "40035"},
		"an illegal agent id":        {body: `{"errcode":40035,"errmsg":"缺少参数 agent_id"}`, kind: channel.Misconfigured, code: "40035"},
		"no such user":               {body: `{"errcode":33012,"errmsg":"无效的USERID"}`, kind: channel.InvalidRecipient, code: "33012"},
		"user not found":             {body: `{"errcode":60121,"errmsg":"找不到该用户"}`, kind: channel.InvalidRecipient, code: "60121"},
		"an illegal list of users":   {body: `{"errcode":40031,"errmsg":"不合法的UserID列表"}`, kind: channel.InvalidRecipient, code: "40031"},
		"a wrong path":               {body: `{"errcode":22,"sub_msg":"不合法ApiName","errmsg":"Invalid method"}`, kind: channel.Rejected, code: "22"},
		"denied by the gateway":      {body: `{"status":1111,"wait":5,"source":"x5","punish":"deny"}`, kind: channel.RateLimited, code: "1111", wait: 5 * time.Second},
		"a throttle under a new one": {body: `{"errcode":88,"sub_code":"90099","sub_msg":"请求被暂时禁用了"}`, kind: channel.RateLimited, code: "90099", wait: time.Second},
		"a sub code beside another":  {body: `{"errcode":40035,"sub_code":"60011"}`, kind: channel.Rejected, code: "40035"},
		"88 without a sub code":      {body: `{"errcode":88,"errmsg":"ding talk error"}`, kind: channel.Uncertain, code: "88"},
	}
	for _, sub := range strings.Fields("90001 90002 90003 90004 90005 90006 90007 90008 90018") {
		tests["throttled as "+sub] = verdict{body: `{"errcode":88,"sub_code":"` + sub + `","sub_msg":""}`, kind: channel.RateLimited, code: sub, wait: time.Second}
	}
	check(t, dingtalk.FaultOfWork, tests)
}

// Responses that robots and apps classify alike.
func TestAnswersThatAreNotUnderstood(t *testing.T) {
	tests := map[string]verdict{
		"an unknown code":                {body: `{"errcode":123456,"errmsg":"?"}`, kind: channel.Uncertain, code: "123456"},
		"no code":                        {body: `{"errmsg":"ok"}`, kind: channel.Uncertain},
		"a code that is none":            {body: `{"errcode":"ok","errmsg":"ok"}`, kind: channel.Uncertain},
		"a code that is null":            {body: `{"errcode":null,"errmsg":"ok"}`, kind: channel.Uncertain},
		"a list":                         {body: `[{"errcode":0}]`, kind: channel.Uncertain},
		"success twice":                  {body: `{"errcode":0}{"errcode":0}`, kind: channel.Uncertain},
		"an empty page":                  {body: ``, kind: channel.Uncertain},
		"a page":                         {body: `<html>OK</html>`, kind: channel.Uncertain},
		"success cut off":                {body: `{"errcode":0,"errmsg":"o`, kind: channel.Uncertain},
		"success with a server error":    {status: 500, body: `{"errcode":0}`, kind: channel.Uncertain},
		"a bare 500":                     {status: 500, body: `Internal Server Error`, kind: channel.Uncertain},
		"a bare 502":                     {status: 502, kind: channel.Uncertain},
		"a bare 404":                     {status: 404, body: `Not Found`, kind: channel.Rejected},
		"a bare 414":                     {status: 414, kind: channel.Rejected},
		"a bare 403":                     {status: 403, kind: channel.Misconfigured},
		"a code with a status beside it": {status: 400, body: `{"errcode":123456}`, kind: channel.Uncertain, code: "123456"},
	}
	check(t, dingtalk.FaultOfRobot, tests)
	check(t, dingtalk.FaultOfWork, tests)
}

func TestAnswersOfSuccess(t *testing.T) {
	for _, body := range []string{`{"errcode":0,"errmsg":"ok"}`, `{"errcode":"0"}`, ` {"errmsg":"ok","errcode":0,"request_id":"x"} `} {
		require.NoError(t, dingtalk.FaultOfRobot(http.StatusOK, []byte(body)), body)
		require.NoError(t, dingtalk.FaultOfWork(http.StatusOK, []byte(body)), body)
	}
}

func TestThrottleLastsUntilTheTimeInItsText(t *testing.T) {
	tests := map[string]struct {
		end  string        // Chinese time; synctest's clock starts at 2000-01-01 08:00:00
		at   time.Duration // time of the response, after the start
		want time.Duration
	}{
		"in a while":           {end: "2000-01-01 08:00:42", want: 42 * time.Second},
		"in a moment":          {end: "2000-01-01 08:00:42", at: 41900 * time.Millisecond, want: time.Second},
		"just now":             {end: "2000-01-01 08:00:00", want: time.Second},
		"long ago":             {end: "1999-12-31 08:00:00", want: time.Second},
		"in a far time":        {end: "2018-12-09 15:01:11", want: 24 * time.Hour},
		"not a time":           {end: "2000-01-01", want: time.Second},
		"no time at all":       {want: time.Second},
		"a time that is wrong": {end: "2000-13-01 08:00:00", want: time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(tt.at)
				text := "您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了, apiPath(x), 从 1999-12-31 07:59:59 到 1999-12-31 07:59:59 请求总次数超过了 100 次, 处罚将在 " + tt.end + " 结束."
				err := dingtalk.FaultOfWork(200, []byte(`{"errcode":88,"sub_code":"90002","sub_msg":"`+text+`"}`))
				var e *channel.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, channel.RateLimited, e.Kind)
				require.Equal(t, tt.want, e.RetryAfter)
			})
		})
	}
}

func check(t *testing.T, fault func(int, []byte) error, tests map[string]verdict) {
	t.Helper()
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			if want.status == 0 {
				want.status = http.StatusOK
			}
			var e *channel.Error
			require.ErrorAs(t, fault(want.status, []byte(want.body)), &e)
			require.Equal(t, want.kind, e.Kind)
			require.Equal(t, want.code, e.Code)
			require.Equal(t, want.wait, e.RetryAfter)
			require.Empty(t, e.Field)
		})
	}
}
