package dingtalk_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

const task = "256271667526"

// answering returns work notifications of an app whose calls DingTalk answers with body.
func answering(body string) *dingtalk.Work {
	h := http.NewServeMux()
	h.HandleFunc("/gettoken", says(`{"errcode":0,"access_token":"t","expires_in":7200}`))
	h.HandleFunc("/topapi/", says(body))
	return workOver(h)
}

func TestProgress(t *testing.T) {
	w := workAt((&app{}).serve(t))
	receipt, err := w.Send(t.Context(), approved)
	require.NoError(t, err)
	p, err := w.Progress(t.Context(), receipt.ID)
	require.NoError(t, err)
	require.Equal(t, dingtalk.Progress{State: dingtalk.Finished, Percent: 100}, p)
}

func TestProgressRenewsTheToken(t *testing.T) {
	a := &app{}
	w := workAt(a.serve(t))
	receipt, err := w.Send(t.Context(), approved)
	require.NoError(t, err)
	a.revoked = 1
	_, err = w.Progress(t.Context(), receipt.ID)
	require.NoError(t, err)
}

func TestResultOfARealTask(t *testing.T) {
	w := workAt((&app{}).serve(t))
	r, err := w.Result(t.Context(), task)
	require.NoError(t, err)
	event, err := r.Of("manager4220")
	require.NoError(t, err)
	require.Equal(t, channel.Read, event)
}

func TestResultSaysWhatBecameOfEachUser(t *testing.T) {
	w := answering(`{"errcode":0,"send_result":{
		"read_user_id_list":["reader"],"unread_user_id_list":["sleeper"],"failed_user_id_list":["unlucky"],"invalid_user_id_list":["nobody"],
		"invalid_dept_id_list":[7],"forbidden_user_id_list":["bored","eager"],
		"forbidden_list":[{"code":"143106","count":1,"userid":"bored"},{"code":143105,"count":"500","userid":"busy"},
			{"code":"143103","count":5000,"userid":"late"},{"code":"1430002","userid":"rude"}]}}`)
	r, err := w.Result(t.Context(), task)
	require.NoError(t, err)
	require.Contains(t, r.Forbidden, dingtalk.Forbidden{UserID: "bored", Code: "143106", Limit: 1})
	require.Contains(t, r.Forbidden, dingtalk.Forbidden{UserID: "busy", Code: "143105", Limit: 500})
	require.Len(t, r.Forbidden, 5, "a user in both lists is one")

	tests := map[string]struct {
		event channel.Event
		kind  channel.Kind
		code  string
		wait  time.Duration
	}{
		"reader":   {event: channel.Read},
		"sleeper":  {event: channel.Delivered},
		"stranger": {},
		"unlucky":  {kind: channel.Temporary},
		"nobody":   {kind: channel.InvalidRecipient},
		"bored":    {kind: channel.Unreachable, code: "143106"},
		"busy":     {kind: channel.Unreachable, code: "143105"},
		"eager":    {kind: channel.Unreachable},
		"late":     {kind: channel.Temporary, code: "143103", wait: time.Minute},
		"rude":     {kind: channel.Rejected, code: "1430002"},
	}
	for user, tt := range tests {
		t.Run(user, func(t *testing.T) {
			event, err := r.Of(user)
			require.Equal(t, tt.event, event)
			if tt.kind == "" {
				require.NoError(t, err)
				return
			}
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.kind, e.Kind)
			require.Equal(t, tt.code, e.Code)
			require.Equal(t, tt.wait, e.RetryAfter)
			require.NotContains(t, err.Error(), user)
		})
	}
}

func TestQuestionsThatFail(t *testing.T) {
	tests := map[string]struct {
		task, body string
		kind       channel.Kind
	}{
		"an ID that is no task's":   {task: "abc", kind: channel.Rejected},
		"refused":                   {task: task, body: `{"errcode":88,"sub_code":"60011"}`, kind: channel.Misconfigured},
		"throttled":                 {task: task, body: `{"errcode":88,"sub_code":"90002"}`, kind: channel.RateLimited},
		"success without an answer": {task: task, body: `{"errcode":0}`, kind: channel.Uncertain},
		"an answer of another form": {task: task, body: `{"errcode":0,"progress":[],"send_result":"none"}`, kind: channel.Uncertain},
		"progress without a state":  {task: task, body: `{"errcode":0,"progress":{}}`, kind: channel.Uncertain},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := answering(tt.body)
			_, err := w.Progress(t.Context(), tt.task)
			require.ErrorIs(t, err, tt.kind)
			_, err = w.Result(t.Context(), tt.task)
			require.ErrorIs(t, err, tt.kind)
		})
	}
}

func TestStatesAreDingTalksNumbers(t *testing.T) {
	for number, want := range []dingtalk.State{dingtalk.Waiting, dingtalk.Running, dingtalk.Finished} {
		p, err := answering(fmt.Sprintf(`{"errcode":0,"progress":{"progress_in_percent":"50","status":%d}}`, number)).Progress(t.Context(), task)
		require.NoError(t, err)
		require.Equal(t, dingtalk.Progress{State: want, Percent: 50}, p)
	}
}
