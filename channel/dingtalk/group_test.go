package dingtalk_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

const (
	robotToken  = "5b3e1f0c9a7d4e2b8c6f1a0d3e5b7c9f5b3e1f0c9a7d4e2b8c6f1a0d3e5b7c9f"
	robotSecret = "SEC1b5d8a7e4c2f9036b1d5a8e7c4f2093b6d1a5e8c7f4029b3"
)

var hello = channel.Delivery{ID: "d-1", Content: channel.Content{Text: "The build has failed"}}

// A group stands in for DingTalk with one group and one robot. With a secret, the robot must sign.
type group struct {
	token, secret string

	mu    sync.Mutex
	posts []json.RawMessage // accepted messages
	signs []string
}

func (g *group) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body, _ := io.ReadAll(r.Body)
	code, text := g.judge(r, body)
	if code == 0 {
		g.mu.Lock()
		g.posts = append(g.posts, body)
		g.signs = append(g.signs, r.URL.Query().Get("timestamp")+" "+r.URL.Query().Get("sign"))
		g.mu.Unlock()
	}
	answer(w, code, text)
}

// judge returns DingTalk's code and text for a request: 0 and ok, or a fault.
func (g *group) judge(r *http.Request, body []byte) (code int, text string) {
	q := r.URL.Query()
	switch {
	case r.URL.Path != "/robot/send":
		return 404, "请求的URI地址不存在"
	case r.Method != http.MethodPost:
		return 43002, "require http POST method"
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return 43004, "invalid content type"
	case q.Get("access_token") != g.token:
		return 300005, "token is not exist"
	case len(body) > 20000:
		return 460101, "message too long, exceed 20000 bytes"
	}
	if code, text := g.verify(q.Get("timestamp"), q.Get("sign")); code != 0 {
		return code, text
	}
	if missing := missing(body, robotForms()); missing != "" {
		return 40035, "缺少参数 " + missing
	}
	return 0, "ok"
}

// verify checks a signature, independently of the code under test.
func (g *group) verify(timestamp, sign string) (code int, text string) {
	if g.secret == "" {
		return 0, "ok"
	}
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.UnixMilli(ms)).Abs() > time.Hour {
		return 310000, "invalid timestamp, more: [https://open.dingtalk.com]"
	}
	mac := hmac.New(sha256.New, []byte(g.secret))
	fmt.Fprintf(mac, "%s\n%s", timestamp, g.secret)
	if sign != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		return 310000, "sign not match, more: [https://open.dingtalk.com]"
	}
	return 0, "ok"
}

// robotForms returns the required fields of each message type.
func robotForms() map[string][]string {
	return map[string][]string{
		"text": {"content"}, "markdown": {"title", "text"}, "link": {"title", "text", "messageUrl"}, "actionCard": {"title", "text"}, "feedCard": {"links"},
	}
}

// missing returns the first required field that a message lacks.
func missing(body []byte, forms map[string][]string) string {
	var msg map[string]json.RawMessage
	var form string
	if json.Unmarshal(body, &msg) != nil || json.Unmarshal(msg["msgtype"], &form) != nil || forms[form] == nil {
		return "msgtype"
	}
	var fields map[string]any
	_ = json.Unmarshal(msg[form], &fields)
	for _, f := range forms[form] {
		if fields[f] == nil || fields[f] == "" {
			return form + "." + f
		}
	}
	return ""
}

// answer writes a response of DingTalk: HTTP status 200, a code and a text.
func answer(w io.Writer, code int, text string) {
	_ = json.NewEncoder(w).Encode(map[string]any{"errcode": code, "errmsg": text})
}

// serve starts g.
func (g *group) serve(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	return srv
}

// robotAt returns a robot that posts to srv.
func robotAt(srv *httptest.Server) *dingtalk.Robot {
	return dingtalk.NewRobot(robotToken, &dingtalk.Options{Secret: robotSecret, BaseURL: srv.URL, Client: srv.Client()})
}
