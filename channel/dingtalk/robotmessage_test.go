package dingtalk_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

func TestRobotShowsTheRichestForm(t *testing.T) {
	tests := map[string]struct {
		content channel.Content
		locale  string
		extra   string
		want    string
	}{
		"text, with its mentions beside it": {
			content: channel.Content{Text: "Build 42 failed @13800138000"},
			extra:   `{"at":{"mobiles":["13800138000"],"user_ids":["user01"]}}`,
			want:    `{"msgtype":"text","text":{"content":"Build 42 failed @13800138000"},"at":{"atMobiles":["13800138000"],"atUserIds":["user01"]}}`,
		},
		"text under its title": {
			content: channel.Content{Title: "Build 42", Text: "It failed"},
			want:    `{"msgtype":"text","text":{"content":"Build 42\nIt failed"}}`,
		},
		"text that begins with its title": {
			content: channel.Content{Title: "Build 42", Text: "Build 42 failed"},
			want:    `{"msgtype":"text","text":{"content":"Build 42 failed"}}`,
		},
		"a title alone is a text": {
			content: channel.Content{Title: "Build 42 failed"},
			want:    `{"msgtype":"text","text":{"content":"Build 42 failed"}}`,
		},
		"markdown comes before text and HTML": {
			content: channel.Content{Title: "Build failed", Text: "no", HTML: "<p>no</p>", Markdown: "### Build 42\n- branch: <main> & more"},
			want:    `{"msgtype":"markdown","markdown":{"title":"Build failed","text":"### Build 42\n- branch: <main> & more"}}`,
		},
		"markdown without a title shows its first line in the notice": {
			content: channel.Content{Markdown: "\n### Build 42\n- branch: main"},
			want:    `{"msgtype":"markdown","markdown":{"title":"Build 42","text":"\n### Build 42\n- branch: main"}}`,
		},
		"markdown that is but a rule": {
			content: channel.Content{Title: " ", Markdown: "---"},
			want:    `{"msgtype":"markdown","markdown":{"title":"---","text":"---"}}`,
		},
		"mentions are added to markdown": {
			content: channel.Content{Title: "Build failed", Markdown: "### Build 42"},
			extra:   `{"at":{"mobiles":["+8613800138000","+1-4155550100"],"user_ids":["user01"]}}`,
			want: `{"msgtype":"markdown","markdown":{"title":"Build failed","text":"### Build 42\n\n@13800138000 @+1-4155550100 @user01"},
				"at":{"atMobiles":["13800138000","+1-4155550100"],"atUserIds":["user01"]}}`,
		},
		"mentions that stand in the markdown are not added": {
			content: channel.Content{Title: "Build failed", Markdown: "@13800138000, @user01请看 @user02 @user03_x @user04-x"},
			extra:   `{"at":{"mobiles":["+86-13800138000"],"user_ids":["user01","user0","user03","user04"]}}`,
			want: `{"msgtype":"markdown","markdown":{"title":"Build failed","text":"@13800138000, @user01请看 @user02 @user03_x @user04-x\n\n@user0 @user03 @user04"},
				"at":{"atMobiles":["13800138000"],"atUserIds":["user01","user0","user03","user04"]}}`,
		},
		"everybody": {
			content: channel.Content{Title: "Build failed", Markdown: "### Build 42"},
			extra:   `{"at":{"all":true}}`,
			want:    `{"msgtype":"markdown","markdown":{"title":"Build failed","text":"### Build 42"},"at":{"isAtAll":true}}`,
		},
		"text with a URL is a link": {
			content: channel.Content{Title: "Release", Text: "v1.2 is out", URL: "https://example.com/r"},
			extra:   `{"pic_url":"https://example.com/p.png"}`,
			want:    `{"msgtype":"link","link":{"title":"Release","text":"v1.2 is out","messageUrl":"https://example.com/r","picUrl":"https://example.com/p.png"}}`,
		},
		"a link without a title is titled by its first line": {
			content: channel.Content{Text: "v1.2 is out\nand about", URL: "https://example.com/r"},
			want:    `{"msgtype":"link","link":{"title":"v1.2 is out","text":"v1.2 is out\nand about","messageUrl":"https://example.com/r"}}`,
		},
		"text with a URL and mentions stays a text": {
			content: channel.Content{Text: "v1.2 is out", URL: "https://example.com/r"},
			extra:   `{"at":{"all":true}}`,
			want:    `{"msgtype":"text","text":{"content":"v1.2 is out\nhttps://example.com/r"},"at":{"isAtAll":true}}`,
		},
		"markdown with a URL is a card": {
			content: channel.Content{Title: "Review", Markdown: "### Please review", URL: "https://example.com/1?a=b&c=d"},
			want: `{"msgtype":"actionCard","actionCard":{"title":"Review","text":"### Please review","singleTitle":"Open",
				"singleURL":"https://example.com/1?a=b&c=d"}}`,
		},
		"markdown with a URL in Chinese": {
			content: channel.Content{Title: "评审", Markdown: "### 请评审", URL: "https://example.com/1"},
			locale:  "zh-Hans-CN",
			want:    `{"msgtype":"actionCard","actionCard":{"title":"评审","text":"### 请评审","singleTitle":"查看详情","singleURL":"https://example.com/1"}}`,
		},
		"markdown with a URL and mentions stays markdown": {
			content: channel.Content{Title: "Review", Markdown: "### Please review", URL: "https://example.com/a(1)"},
			extra:   `{"at":{"user_ids":["user01"]}}`,
			want: `{"msgtype":"markdown","markdown":{"title":"Review","text":"### Please review\n\n[Open](https://example.com/a%281%29)\n\n@user01"},
				"at":{"atUserIds":["user01"]}}`,
		},
		"buttons make a card": {
			content: channel.Content{Title: "Approve?", Markdown: "body", URL: "https://example.com/unused"},
			extra:   `{"horizontal":true,"buttons":[{"title":"Yes","url":"https://example.com/y"},{"title":"No","url":"https://example.com/n"}]}`,
			want: `{"msgtype":"actionCard","actionCard":{"title":"Approve?","text":"body","btnOrientation":"1",
				"btns":[{"title":"Yes","actionURL":"https://example.com/y"},{"title":"No","actionURL":"https://example.com/n"}]}}`,
		},
		"buttons under a text, which stays what it is": {
			content: channel.Content{Title: "Approve?", Text: "2*3*4_5 [no](link)\nnext"},
			extra:   `{"at":{"user_ids":["user01"]},"buttons":[{"title":"Yes","url":"dingtalk://dingtalkclient/page/link?url=x"}]}`,
			want: `{"msgtype":"actionCard","actionCard":{"title":"Approve?","text":"2\\*3\\*4\\_5 \\[no\\](link)  \nnext\n\n@user01","btnOrientation":"0",
				"btns":[{"title":"Yes","actionURL":"dingtalk://dingtalkclient/page/link?url=x"}]},"at":{"atUserIds":["user01"]}}`,
		},
		"links make a feed card, whatever else there is": {
			content: channel.Content{HTML: "<p>for the mail</p>"},
			extra:   `{"links":[{"title":"A","url":"https://example.com/a","pic_url":"https://example.com/a.png"}]}`,
			want:    `{"msgtype":"feedCard","feedCard":{"links":[{"title":"A","messageURL":"https://example.com/a","picURL":"https://example.com/a.png"}]}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := channel.Delivery{ID: "d-1", Content: tt.content, Locale: tt.locale, Extra: json.RawMessage(tt.extra)}
			got, err := dingtalk.RobotMessage(d)
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(got))

			g := &group{token: robotToken, secret: robotSecret}
			_, err = robotAt(g.serve(t)).Send(t.Context(), d)
			require.NoError(t, err)
			require.JSONEq(t, tt.want, string(g.posts[0]))
		})
	}
}

func TestRobotRefusesWhatItCannotShow(t *testing.T) {
	text := channel.Content{Text: "Build 42 failed"}
	tests := map[string]struct {
		content channel.Content
		extra   string
		field   string
	}{
		"nothing":                         {field: "content"},
		"white space":                     {content: channel.Content{Text: " \n", Markdown: "\t"}, field: "content"},
		"HTML alone":                      {content: channel.Content{HTML: "<p>Build 42 failed</p>"}, field: "content"},
		"a URL alone":                     {content: channel.Content{URL: "https://example.com/1"}, field: "content"},
		"a relative URL":                  {content: channel.Content{Text: "x", URL: "/builds/42"}, field: "content.url"},
		"a script":                        {content: channel.Content{Text: "x", URL: "javascript://x/%0aalert(1)"}, field: "content.url"},
		"a field that it does not know":   {content: text, extra: `{"at_all":true}`, field: "extra.at_all"},
		"mobiles of a wrong type":         {content: text, extra: `{"at":{"mobiles":"13800138000"}}`, field: "extra.at.mobiles"},
		"a mobile without its hyphen":     {content: text, extra: `{"at":{"mobiles":["13800138000","+14155550100"]}}`, field: "extra.at.mobiles[1]"},
		"a mobile that is none":           {content: text, extra: `{"at":{"mobiles":["ann"]}}`, field: "extra.at.mobiles[0]"},
		"a mobile with a word behind it":  {content: text, extra: `{"at":{"mobiles":["+1-415call"]}}`, field: "extra.at.mobiles[0]"},
		"a user id with a comma":          {content: text, extra: `{"at":{"user_ids":["a,b"]}}`, field: "extra.at.user_ids[0]"},
		"a picture on a text":             {content: text, extra: `{"pic_url":"https://example.com/p.png"}`, field: "extra.pic_url"},
		"a picture without an address":    {content: channel.Content{Text: "x", URL: "https://example.com/1"}, extra: `{"pic_url":"p.png"}`, field: "extra.pic_url"},
		"a button without a title":        {content: text, extra: `{"buttons":[{"url":"https://example.com/y"}]}`, field: "extra.buttons[0].title"},
		"a button that leads nowhere":     {content: text, extra: `{"buttons":[{"title":"Yes"}]}`, field: "extra.buttons[0].url"},
		"buttons on a feed card":          {extra: `{"buttons":[{"title":"Yes","url":"https://e.com/y"}],"links":[{"title":"A","url":"https://e.com/a"}]}`, field: "extra.buttons"},
		"mentions on a feed card":         {extra: `{"at":{"all":true},"links":[{"title":"A","url":"https://example.com/a"}]}`, field: "extra.at"},
		"a picture beside a feed card":    {extra: `{"pic_url":"https://e.com/p.png","links":[{"title":"A","url":"https://e.com/a"}]}`, field: "extra.pic_url"},
		"a feed link without a title":     {extra: `{"links":[{"url":"https://example.com/a"}]}`, field: "extra.links[0].title"},
		"a feed link that leads nowhere":  {extra: `{"links":[{"title":"A","url":"a"}]}`, field: "extra.links[0].url"},
		"a feed picture that is no URL":   {extra: `{"links":[{"title":"A","url":"https://example.com/a","pic_url":"a.png"}]}`, field: "extra.links[0].pic_url"},
		"a text too long by one byte":     {content: channel.Content{Text: strings.Repeat("x", 20001-len(`{"msgtype":"text","text":{"content":""}}`))}, field: "content"},
		"a text too long for its letters": {content: channel.Content{Text: strings.Repeat("字", 7000)}, field: "content"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := &group{token: robotToken, secret: robotSecret}
			r := robotAt(g.serve(t))
			d := channel.Delivery{ID: "d-1", Content: tt.content, Extra: json.RawMessage(tt.extra)}
			_, sent := r.Send(t.Context(), d)
			for _, err := range []error{r.Validate(d), sent} {
				require.ErrorIs(t, err, channel.Rejected)
				var e *channel.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, tt.field, e.Field)
			}
			require.Empty(t, g.posts)
		})
	}
}

func TestRobotTakesALongTextAsItIs(t *testing.T) {
	g := &group{token: robotToken, secret: robotSecret}
	r := robotAt(g.serve(t))
	d := channel.Delivery{ID: "d-1", Content: channel.Content{Text: strings.Repeat("&", 20000-len(`{"msgtype":"text","text":{"content":""}}`))}}
	require.NoError(t, r.Validate(d))
	_, err := r.Send(t.Context(), d)
	require.NoError(t, err, "escaped as \\u0026 the text would be six times as long")
}
