package dingtalk_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
)

func TestRecall(t *testing.T) {
	a := &app{}
	w := workAt(a.serve(t))
	receipt, err := w.Send(t.Context(), approved)
	require.NoError(t, err)
	a.revoked = 1
	require.NoError(t, w.Recall(t.Context(), receipt.ID), "with a new token")
	require.True(t, a.recalled)
	require.NoError(t, w.Recall(t.Context(), receipt.ID), "again")
}

func TestRecallsThatFail(t *testing.T) {
	tests := map[string]struct {
		task, body string
		kind       channel.Kind
		code       string
		wait       time.Duration
	}{
		"an ID that is no task's":    {task: "abc", kind: channel.Rejected},
		"no ID":                      {task: "", kind: channel.Rejected},
		"a task that is not known":   {task: task, body: `{"errcode":40035,"errmsg":"不合法的参数"}`, kind: channel.Rejected, code: "40035"},
		"an app without permission":  {task: task, body: `{"errcode":88,"sub_code":"60011"}`, kind: channel.Misconfigured, code: "60011"},
		"another app's agent":        {task: task, body: `{"errcode":70004}`, kind: channel.Misconfigured, code: "70004"},
		"a throttle":                 {task: task, body: `{"errcode":88,"sub_code":"90002"}`, kind: channel.RateLimited, code: "90002", wait: time.Second},
		"a system that is busy":      {task: task, body: `{"errcode":-1}`, kind: channel.Temporary, code: "-1"},
		"a code that is not known":   {task: task, body: `{"errcode":4711}`, kind: channel.Uncertain, code: "4711"},
		"an answer of another form":  {task: task, body: `[]`, kind: channel.Uncertain},
		"an answer without a code":   {task: task, body: `{"errmsg":"ok"}`, kind: channel.Uncertain},
		"an answer that is no JSON":  {task: task, body: `<html>`, kind: channel.Uncertain},
		"the gateway denies service": {task: task, body: `{"status":1111,"wait":5,"punish":"deny"}`, kind: channel.RateLimited, code: "1111", wait: 5 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var e *channel.Error
			require.ErrorAs(t, answering(tt.body).Recall(t.Context(), tt.task), &e)
			require.Equal(t, tt.kind, e.Kind)
			require.Equal(t, tt.code, e.Code)
			require.Equal(t, tt.wait, e.RetryAfter)
		})
	}
}

func TestRecallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := http.NewServeMux()
	h.HandleFunc("/gettoken", says(`{"errcode":0,"access_token":"t","expires_in":7200}`))
	h.HandleFunc("/topapi/", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // otherwise the server does not notice the end of the request
		cancel()
		<-r.Context().Done()
	})
	srv := httptest.NewServer(h)
	defer srv.Close()
	err := workAt(srv).Recall(ctx, task)
	require.ErrorIs(t, err, channel.Uncertain)
	require.NotContains(t, err.Error(), "access_token", "the URL holds the token")
}
