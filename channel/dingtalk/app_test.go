package dingtalk_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

const (
	appKey    = "dingq7xk2m9w4t8v1c5z"
	appSecret = "s3cr3t-Xv9_pQ2mK7wTz4bN8rLd1yHf6cJg0uEa5iOs"
	agentID   = 123456789
)

var approved = channel.Delivery{ID: "d-2", To: "manager4220", Content: channel.Content{Title: "Your leave", Text: "Your leave is approved"}}

// An app stands in for DingTalk with one enterprise app: it issues tokens and accepts work notifications.
type app struct {
	life int // expires_in of the tokens, in seconds; 0 means 7200
	say  func(path string) string

	mu       sync.Mutex
	issued   int               // number of issued tokens
	revoked  int               // the first issued tokens up to this number are revoked
	msgs     []json.RawMessage // bodies of asyncsend_v2
	calls    int               // requests other than gettoken
	recalled bool              // the task was recalled
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	if r.URL.Path == "/gettoken" {
		a.token(w, r)
		return
	}
	a.calls++
	body, _ := io.ReadAll(r.Body)
	if !a.admits(w, r) {
		return
	}
	if a.say != nil {
		if text := a.say(r.URL.Path); text != "" {
			fmt.Fprint(w, text)
			return
		}
	}
	a.serveCall(w, r.URL.Path, body)
}

// token serves GET /gettoken.
func (a *app) token(w http.ResponseWriter, r *http.Request) {
	if a.say != nil {
		if text := a.say(r.URL.Path); text != "" {
			fmt.Fprint(w, text)
			return
		}
	}
	q := r.URL.Query()
	switch {
	case r.Method != http.MethodGet:
		answer(w, 43001, "require http GET method")
	case q.Get("appkey") == "" || q.Get("appsecret") == "":
		answer(w, 40035, "缺少参数 appkey or appsecret")
	case q.Get("appkey") != appKey || q.Get("appsecret") != appSecret:
		answer(w, 40096, "不合法的appKey或appSecret")
	default:
		a.issued++
		life := a.life
		if life == 0 {
			life = 7200
		}
		fmt.Fprintf(w, `{"errcode":0,"errmsg":"ok","access_token":"%s","expires_in":%d}`, tokenNumber(a.issued), life)
	}
}

func tokenNumber(n int) string { return fmt.Sprintf("96fc7a7axxx5bd4e%04d", n) }

// admits checks the token, the method and the content type of a call, and answers a call that it refuses.
func (a *app) admits(w http.ResponseWriter, r *http.Request) bool {
	token := r.URL.Query().Get("access_token")
	good := false
	for n := a.revoked + 1; n <= a.issued; n++ {
		good = good || token == tokenNumber(n)
	}
	switch {
	case !good:
		fmt.Fprint(w, `{"errcode":88,"errmsg":"ding talk error[subcode=40014,submsg=不合法的access_token]","sub_code":"40014","sub_msg":"不合法的access_token"}`)
	case r.Method != http.MethodPost:
		answer(w, 43002, "require http POST method")
	case r.Header.Get("Content-Type") != "application/json":
		answer(w, 43004, "invalid content type")
	default:
		return true
	}
	return false
}

func (a *app) serveCall(w http.ResponseWriter, path string, body []byte) {
	var req struct {
		Agent  int64           `json:"agent_id"`
		Users  string          `json:"userid_list"`
		Task   int64           `json:"task_id"`
		Recall int64           `json:"msg_task_id"`
		Msg    json.RawMessage `json:"msg"`
	}
	err := json.Unmarshal(body, &req)
	forms := map[string][]string{
		"text": {"content"}, "markdown": {"title", "text"}, "link": {"title", "text", "messageUrl", "picUrl"}, "action_card": {"title", "markdown"},
	}
	switch {
	case err != nil || req.Agent != agentID:
		answer(w, 70004, "企业下没有对应该agentid的微应用")
	case path == "/topapi/message/corpconversation/getsendprogress" && req.Task == 256271667526:
		fmt.Fprint(w, `{"errcode":0,"errmsg":"ok","progress":{"progress_in_percent":100,"status":2},"request_id":"x"}`)
	case path == "/topapi/message/corpconversation/getsendresult" && req.Task == 256271667526:
		fmt.Fprint(w, `{"errcode":0,"send_result":{"read_user_id_list":["manager4220"],"unread_user_id_list":[]},"request_id":"x"}`)
	case path == "/topapi/message/corpconversation/recall" && req.Recall == 256271667526:
		a.recalled = true
		fmt.Fprint(w, `{"errcode":0,"errmsg":"ok","request_id":"x"}`)
	case path != "/topapi/message/corpconversation/asyncsend_v2":
		answer(w, 22, "Invalid method")
	case req.Users == "nobody":
		answer(w, 33012, "无效的USERID nobody")
	case missing(req.Msg, forms) != "" || len(req.Msg) > 2048:
		answer(w, 40035, "不合法的参数 "+missing(req.Msg, forms))
	default:
		a.msgs = append(a.msgs, body)
		fmt.Fprint(w, `{"errcode":0,"errmsg":"ok","task_id":256271667526,"request_id":"5bd4e"}`)
	}
}

// serve starts a.
func (a *app) serve(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	return srv
}

// workAt returns the work notifications of the app at srv.
func workAt(srv *httptest.Server) *dingtalk.Work {
	return dingtalk.NewWork(appKey, appSecret, agentID, &dingtalk.WorkOptions{BaseURL: srv.URL, Client: srv.Client()})
}
