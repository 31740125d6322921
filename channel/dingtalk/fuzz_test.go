package dingtalk_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

// For every response: no panic, success only with the code 0, a kind for every failure, a wait of at most a day, and nothing of the
// response's text in the error's code.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"errcode":0,"errmsg":"ok"}`,
		`{"errcode":0,"errmsg":"ok","task_id":256271667526,"request_id":"5bd4e"}`,
		`{"errcode":310000,"errmsg":"sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"}`,
		`{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`,
		`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"1c7f0e"}`,
		`{"errcode":88,"sub_code":"90002","sub_msg":"您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了, 处罚将在 2018-12-09 15:01:11 结束."}`,
		`{"errcode":22,"sub_msg":"不合法ApiName，ApiName = x","errmsg":"Invalid method[submsg=不合法ApiName]","request_id":"15s9in2w1yat9"}`,
		`{"errcode":"-1"}`, `{"errcode":null}`, `[]`, ``, `<html>`,
	} {
		f.Add(200, []byte(body))
	}
	f.Add(502, []byte("Bad Gateway"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, fault := range []func(int, []byte) error{dingtalk.FaultOfRobot, dingtalk.FaultOfWork} {
			var e *channel.Error
			switch err := fault(status, body); {
			case err == nil:
				if !strings.Contains(string(body), "0") || status/100 != 2 {
					t.Errorf("success for status %d and %q", status, body)
				}
			case !errors.As(err, &e) || e.Kind == channel.Unknown:
				t.Errorf("unclassified: %v", err)
			case e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour || (e.Kind == channel.RateLimited) != (e.RetryAfter > 0):
				t.Errorf("a wait of %v: %v", e.RetryAfter, err)
			case strings.Trim(e.Code, "-0123456789") != "":
				t.Errorf("code %q", e.Code)
			}
		}
	})
}

// Progress and Result accept every JSON value in place of their data.
func FuzzResult(f *testing.F) {
	f.Add([]byte(`{"read_user_id_list":["a"],"unread_user_id_list":null,"forbidden_list":[{"code":"143106","count":1,"userid":"b"}]}`))
	f.Add([]byte(`{"forbidden_user_id_list":["b"],"invalid_dept_id_list":[1]}`))
	f.Add([]byte(`"none"`))
	f.Fuzz(func(t *testing.T, result []byte) {
		if !json.Valid(result) {
			return
		}
		w := answering(`{"errcode":0,"progress":` + string(result) + `,"send_result":` + string(result) + `}`)
		_, _ = w.Progress(t.Context(), task)
		r, err := w.Result(t.Context(), task)
		if err != nil {
			return
		}
		for _, user := range append(r.Read, r.Unread...) {
			if event, err := r.Of(user); event == "" || err != nil {
				t.Errorf("%q has %q, %v", user, event, err)
			}
		}
	})
}

// Every message that is not refused is valid JSON of the permitted size, and contains the mentions.
func FuzzMessage(f *testing.F) {
	f.Add("Build 42", "It failed", "", "", "", "13800138000", "user01")
	f.Add("", "", "### Build 42\n@user01", "https://example.com/1", "zh-CN", "+1-4155550100", "user01")
	f.Add("标题", "`a`*b*_c_[d](e)\r\n\\", "", "dingtalk://x/y?url=(1)", "en", "", "")
	f.Fuzz(func(t *testing.T, title, text, markdown, url, locale, mobile, user string) {
		extra, _ := json.Marshal(dingtalk.Extra{At: dingtalk.At{Mobiles: nonEmpty(mobile), UserIDs: nonEmpty(user)}})
		d := channel.Delivery{To: "user01", Locale: locale, Content: channel.Content{Title: title, Text: text, Markdown: markdown, URL: url}}
		work, err := dingtalk.WorkMessage(d)
		inspect(t, work, err, 2048)

		d.Extra = extra
		robot, err := dingtalk.RobotMessage(d)
		inspect(t, robot, err, 20000)
		if err == nil && utf8.ValidString(user) && strings.TrimSpace(markdown) != "" && user != "" && !mentioned(robot, user) {
			t.Errorf("%q is not mentioned in %s", user, robot)
		}
	})
}

func inspect(t *testing.T, msg []byte, err error, most int) {
	t.Helper()
	var e *channel.Error
	switch {
	case err == nil && (!json.Valid(msg) || len(msg) > most):
		t.Errorf("%d bytes: %s", len(msg), msg)
	case err != nil && (!errors.As(err, &e) || e.Kind != channel.Rejected || e.Field == ""):
		t.Errorf("%v", err)
	}
}

func mentioned(msg []byte, user string) bool {
	var m struct{ Markdown struct{ Text string } }
	return json.Unmarshal(msg, &m) == nil && strings.Contains(m.Markdown.Text, "@"+user)
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
