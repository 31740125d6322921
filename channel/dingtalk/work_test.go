package dingtalk_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

func TestWorkSends(t *testing.T) {
	a := &app{}
	receipt, err := workAt(a.serve(t)).Send(t.Context(), approved)
	require.NoError(t, err)
	require.Equal(t, "256271667526", receipt.ID)
	require.Equal(t, channel.Sent, receipt.Event)
	require.Equal(t, "d-2", receipt.DeliveryID)
	require.Len(t, a.msgs, 1)
	require.JSONEq(t, `{"agent_id":123456789,"userid_list":"manager4220",
		"msg":{"msgtype":"text","text":{"content":"Your leave is approved"}}}`, string(a.msgs[0]))
}

func TestWorkNeedsAWholeConfiguration(t *testing.T) {
	tests := map[string]struct {
		key, secret string
		agent       int64
		base        string
		want        error
	}{
		"all there is":     {key: appKey, secret: appSecret, agent: agentID},
		"no key":           {secret: appSecret, agent: agentID, want: channel.Misconfigured},
		"no secret":        {key: appKey, agent: agentID, want: channel.Misconfigured},
		"no agent id":      {key: appKey, secret: appSecret, want: channel.Misconfigured},
		"a base of no use": {key: appKey, secret: appSecret, agent: agentID, base: "ftp://oapi.dingtalk.com", want: channel.Misconfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := dingtalk.NewWork(tt.key, tt.secret, tt.agent, &dingtalk.WorkOptions{BaseURL: tt.base})
			require.ErrorIs(t, channel.Valid(w), tt.want)
		})
	}
}

func TestWorkTakesDingTalkUserIDsOnly(t *testing.T) {
	w := dingtalk.NewWork(appKey, appSecret, agentID, nil)
	require.Equal(t, dingtalk.UserID, channel.AddressKind(w))
	require.NotEqual(t, channel.UserID, channel.AddressKind(w))
	limits := channel.LimitsOf(w)
	require.LessOrEqual(t, limits.Rate+float64(limits.Burst), 20.0, "calls in any second")

	for _, to := range []string{"", "ann,bob", "ann bob", "ann\r\n", "ann|bob", strings.Repeat("a", 65)} {
		d := approved
		d.To = to
		_, sent := w.Send(t.Context(), d)
		for _, err := range []error{w.Validate(d), sent} {
			require.ErrorIs(t, err, channel.InvalidRecipient)
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "to", e.Field)
		}
	}
}

func TestWorkShowsTheRichestForm(t *testing.T) {
	tests := map[string]struct {
		content channel.Content
		extra   string
		want    string
	}{
		"text": {
			content: channel.Content{Text: "Approved"},
			want:    `{"msgtype":"text","text":{"content":"Approved"}}`,
		},
		"markdown comes before text": {
			content: channel.Content{Title: "Leave", Text: "no", Markdown: "## Approved"},
			want:    `{"msgtype":"markdown","markdown":{"title":"Leave","text":"## Approved"}}`,
		},
		"text with a URL and a picture is a link": {
			content: channel.Content{Title: "Leave", Text: "Approved", URL: "https://example.com/1"},
			extra:   `{"pic_url":"@lALOACZwe2Rk"}`,
			want:    `{"msgtype":"link","link":{"title":"Leave","text":"Approved","messageUrl":"https://example.com/1","picUrl":"@lALOACZwe2Rk"}}`,
		},
		"text with a URL but no picture is a card": {
			content: channel.Content{Title: "Leave", Text: "Approved_by_ann", URL: "https://example.com/1"},
			want: `{"msgtype":"action_card","action_card":{"title":"Leave","markdown":"Approved\\_by\\_ann","single_title":"Open",
				"single_url":"https://example.com/1"}}`,
		},
		"markdown with a URL is a card": {
			content: channel.Content{Title: "Leave", Markdown: "## Approved", URL: "https://example.com/1"},
			want:    `{"msgtype":"action_card","action_card":{"title":"Leave","markdown":"## Approved","single_title":"Open","single_url":"https://example.com/1"}}`,
		},
		"buttons make a card": {
			content: channel.Content{Title: "Leave", Markdown: "## Approve?"},
			extra:   `{"horizontal":true,"buttons":[{"title":"Yes","url":"https://example.com/y"},{"title":"No","url":"https://example.com/n"}]}`,
			want: `{"msgtype":"action_card","action_card":{"title":"Leave","markdown":"## Approve?","btn_orientation":"1",
				"btn_json_list":[{"title":"Yes","action_url":"https://example.com/y"},{"title":"No","action_url":"https://example.com/n"}]}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := &app{}
			d := channel.Delivery{ID: "d-2", To: "manager4220", Content: tt.content, Extra: json.RawMessage(tt.extra)}
			_, err := workAt(a.serve(t)).Send(t.Context(), d)
			require.NoError(t, err)
			var sent struct{ Msg json.RawMessage }
			require.NoError(t, json.Unmarshal(a.msgs[0], &sent))
			require.JSONEq(t, tt.want, string(sent.Msg))
		})
	}
}

func TestWorkRefusesWhatItCannotShow(t *testing.T) {
	text := channel.Content{Text: "Approved"}
	tests := map[string]struct {
		content channel.Content
		extra   string
		field   string
	}{
		"HTML alone":                {content: channel.Content{HTML: "<p>Approved</p>"}, field: "content"},
		"a relative URL":            {content: channel.Content{Text: "x", URL: "/leaves/7"}, field: "content.url"},
		"a robot's mention":         {content: text, extra: `{"at":{"all":true}}`, field: "extra.at"},
		"a button without a title":  {content: text, extra: `{"buttons":[{"url":"https://example.com/y"}]}`, field: "extra.buttons[0].title"},
		"a picture on a text":       {content: text, extra: `{"pic_url":"https://example.com/p.png"}`, field: "extra.pic_url"},
		"a picture without address": {content: channel.Content{Text: "x", URL: "https://example.com/1"}, extra: `{"pic_url":"p.png"}`, field: "extra.pic_url"},
		"a message of 2049 bytes":   {content: channel.Content{Text: strings.Repeat("x", 2049-len(`{"msgtype":"text","text":{"content":""}}`))}, field: "content"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := channel.Delivery{ID: "d-2", To: "manager4220", Content: tt.content, Extra: json.RawMessage(tt.extra)}
			err := dingtalk.NewWork(appKey, appSecret, agentID, nil).Validate(d)
			require.ErrorIs(t, err, channel.Rejected)
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.field, e.Field)
		})
	}
}

func TestWorkTakes2048Bytes(t *testing.T) {
	a := &app{}
	d := approved
	d.Content = channel.Content{Text: strings.Repeat("x", 2048-len(`{"msgtype":"text","text":{"content":""}}`))}
	w := workAt(a.serve(t))
	require.NoError(t, w.Validate(d))
	_, err := w.Send(t.Context(), d)
	require.NoError(t, err)
}

func TestWorkTellsAnUnknownUser(t *testing.T) {
	d := approved
	d.To = "nobody"
	_, err := workAt((&app{}).serve(t)).Send(t.Context(), d)
	require.ErrorIs(t, err, channel.InvalidRecipient)
	require.NotContains(t, err.Error(), "nobody")
}

func TestWorkTakesNoSuccessWithoutATask(t *testing.T) {
	a := &app{say: func(path string) string {
		if path == "/gettoken" {
			return ""
		}
		return `{"errcode":0,"errmsg":"ok"}`
	}}
	_, err := workAt(a.serve(t)).Send(t.Context(), approved)
	require.ErrorIs(t, err, channel.Uncertain)
}

func TestWorkErrorsTellNothing(t *testing.T) {
	everything := appKey + " " + appSecret + " " + tokenNumber(1) + " manager4220 Your leave is approved"
	for _, path := range []string{"/gettoken", "/topapi/message/corpconversation/asyncsend_v2"} {
		t.Run(path, func(t *testing.T) {
			a := &app{say: func(p string) string {
				if p != path {
					return ""
				}
				return `{"errcode":999999,"errmsg":"` + everything + `","sub_code":"` + everything + `"}`
			}}
			_, err := workAt(a.serve(t)).Send(t.Context(), approved)
			require.Error(t, err)
			for _, secret := range append(strings.Fields(everything), "127.0.0.1") {
				require.NotContains(t, " "+err.Error()+" ", " "+secret+" ")
			}
			require.NotContains(t, err.Error(), appSecret)
		})
	}
}

func TestWorkFollowsNoRedirect(t *testing.T) {
	var elsewhere bool
	h := http.NewServeMux()
	h.HandleFunc("/gettoken", says(`{"errcode":0,"access_token":"t","expires_in":7200}`))
	h.HandleFunc("/topapi/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	h.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { elsewhere = true })
	w := dingtalk.NewWork(appKey, appSecret, agentID, &dingtalk.WorkOptions{Client: &http.Client{Transport: local{h}}})
	_, err := w.Send(t.Context(), approved)
	require.ErrorIs(t, err, channel.Rejected)
	require.False(t, elsewhere)
}
