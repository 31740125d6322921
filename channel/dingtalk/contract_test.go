package dingtalk_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/channeltest"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

// says returns a handler that answers body with HTTP status 200, which DingTalk also uses for failures.
func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func TestRobotKeepsTheContract(t *testing.T) {
	content := map[string]channel.Delivery{
		"text": {ID: "d-1", Content: channel.Content{Title: "Build 42", Text: "The build has failed"}},
		"markdown with mentions": {
			ID: "d-1", Content: channel.Content{Title: "Build 42", Markdown: "### The build has failed", URL: "https://ci.example.com/builds/42"},
			Extra: []byte(`{"at":{"mobiles":["13912345678"],"user_ids":["manager4220"]}}`),
		},
		"link": {
			ID: "d-1", Content: channel.Content{Title: "Build 42", Text: "The build has failed", URL: "https://ci.example.com/builds/42"},
			Extra: []byte(`{"pic_url":"https://ci.example.com/red.png"}`),
		},
		"action card": {
			ID: "d-1", Content: channel.Content{Title: "Build 42", Text: "The build has failed"},
			Extra: []byte(`{"buttons":[{"title":"Run it again","url":"https://ci.example.com/builds/42/run"}]}`),
		},
		"feed card": {
			ID:    "d-1",
			Extra: []byte(`{"links":[{"title":"Build 42 has failed","url":"https://ci.example.com/builds/42","pic_url":"https://ci.example.com/red.png"}]}`),
		},
	}
	for name, d := range content {
		t.Run(name, func(t *testing.T) {
			channeltest.HTTP(t, channeltest.Vendor{
				Open: func(_ *testing.T, baseURL string, c *http.Client) channel.Channel {
					return dingtalk.NewRobot(robotToken, &dingtalk.Options{Secret: robotSecret, BaseURL: baseURL, Client: c})
				},
				Delivery: d,
				Secrets:  []string{robotToken, robotSecret, "13912345678", "manager4220", "ci.example.com"},
				Accept:   (&group{token: robotToken, secret: robotSecret}).ServeHTTP,
				Throttle: says(`{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`),
				Deny:     says(`{"errcode":310000,"errmsg":"sign not match, more: [https://open.dingtalk.com]"}`),
				Wait:     10 * time.Minute,
			})
		})
	}
}

func TestWorkKeepsTheContract(t *testing.T) {
	channeltest.HTTP(t, channeltest.Vendor{
		Open: func(_ *testing.T, baseURL string, c *http.Client) channel.Channel {
			return dingtalk.NewWork(appKey, appSecret, agentID, &dingtalk.WorkOptions{BaseURL: baseURL, Client: c})
		},
		Delivery: channel.Delivery{
			ID: "d-2", To: "manager4220",
			Content: channel.Content{Title: "Your leave", Text: "Your leave is approved", URL: "https://hr.example.com/leaves/7"},
			Extra:   []byte(`{"pic_url":"https://hr.example.com/sun.png"}`),
		},
		Secrets:      []string{appKey, appSecret, tokenNumber(1)},
		Aside:        map[string]http.HandlerFunc{"/gettoken": says(`{"errcode":0,"access_token":"` + tokenNumber(1) + `","expires_in":7200}`)},
		Accept:       (&app{issued: 1}).ServeHTTP,
		BadRecipient: says(`{"errcode":33012,"errmsg":"无效的USERID manager4220"}`),
		Throttle:     says(`{"errcode":88,"sub_code":"90018","sub_msg":"您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了"}`),
		Deny:         says(`{"errcode":88,"sub_code":"60011","sub_msg":"没有调用该接口的权限"}`),
		Wait:         time.Second,
	})
}
