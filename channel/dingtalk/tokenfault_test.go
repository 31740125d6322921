package dingtalk_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
)

func TestTokenFaults(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		kind   channel.Kind
		wait   time.Duration
	}{
		"a wrong secret":             {body: `{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`, kind: channel.Misconfigured},
		"a missing secret":           {body: `{"errcode":40035,"errmsg":"缺少参数"}`, kind: channel.Misconfigured},
		"busy":                       {body: `{"errcode":-1,"errmsg":"系统繁忙"}`, kind: channel.Temporary},
		"throttled":                  {body: `{"errcode":88,"sub_code":"90018"}`, kind: channel.RateLimited, wait: time.Second},
		"denied by the gateway":      {body: `{"status":1111,"wait":5,"punish":"deny"}`, kind: channel.RateLimited, wait: 5 * time.Second},
		"an unknown code":            {body: `{"errcode":123456}`, kind: channel.Temporary},
		"no token":                   {body: `{"errcode":0,"errmsg":"ok"}`, kind: channel.Temporary},
		"a token that is none":       {body: `{"errcode":0,"access_token":7}`, kind: channel.Temporary},
		"a page":                     {body: `<html>`, kind: channel.Temporary},
		"a server error":             {status: 500, kind: channel.Temporary},
		"a wrong path":               {status: 404, kind: channel.Misconfigured},
		"a user, of all things":      {body: `{"errcode":33012}`, kind: channel.Misconfigured},
		"a proxy that wants a login": {status: 403, kind: channel.Misconfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int32
			w := workOver(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if tt.status != 0 {
					w.WriteHeader(tt.status)
				}
				_, _ = w.Write([]byte(tt.body))
			}))
			_, err := w.Send(t.Context(), approved)
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.kind, e.Kind)
			require.Equal(t, tt.wait, e.RetryAfter)
			require.NotErrorIs(t, err, channel.Uncertain)
			require.EqualValues(t, 1, calls.Load())
		})
	}
}
