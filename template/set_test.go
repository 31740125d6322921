package template_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/template"
)

// files makes a file system of names and contents.
func files(contents map[string]string) fs.FS {
	fsys := fstest.MapFS{}
	for name, content := range contents {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

func newSet(t testing.TB, contents map[string]string) *template.Set {
	t.Helper()
	s, err := template.New(files(contents), nil)
	require.NoError(t, err)
	return s
}

// renderText renders src as the only part of a template.
func renderText(t testing.TB, src string, r template.Request) (string, error) {
	t.Helper()
	r.Key = "k"
	out, err := newSet(t, map[string]string{"k/default.text.tmpl": src}).Render(t.Context(), r)
	return out.Content.Text, err
}

// object decodes JSON as the notifier does.
func object(t testing.TB, text string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v))
	return integers(v)
}

func integers(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = integers(v[k])
		}
	}
	return v
}

func shop(t testing.TB) *template.Set {
	t.Helper()
	s, err := template.New(os.DirFS("testdata/shop"), nil)
	require.NoError(t, err)
	return s
}

func shipped(t testing.TB) template.Request {
	return template.Request{
		Key:       "order.shipped",
		Data:      object(t, shippedJSON),
		Recipient: object(t, `{"id": "ann", "data": {"name": "Ann <3"}}`),
		TimeZone:  "Europe/Paris",
	}
}

const shippedJSON = `{
	"order": {"id": "A/17", "total": 1999, "currency": "EUR", "items": [{"name": "tea & cup", "quantity": 2}, {"name": "pot", "quantity": 1}]},
	"shipped_at": "2026-03-01T22:30:00Z",
	"packer": {"phone": "+8613800138000"}
}`

func TestShop(t *testing.T) {
	s := shop(t)
	require.Equal(t, []string{"login.code", "order.shipped"}, s.Keys())
	tests := map[string]struct {
		channel, locale string
		want            template.Rendered
	}{
		"mail has a subject, a text and a page": {
			channel: "email",
			want: template.Rendered{Content: channel.Content{
				Title: "Order A/17 is on its way",
				Text: "Hello Ann <3,\n\n2 × tea & cup\n1 × pot\nTogether for 19.99 EUR\nIt left us on 1 March at 23:30.\n" +
					"Your tea shop",
				HTML: "<!doctype html>\n<html>\n<body>\n<p>Hello Ann &lt;3,</p>\n" +
					"<ul><li>2 × tea &amp; cup</li><li>1 × pot</li></ul>\n" +
					"<p><a href=\"https://shop.example/orders/A/17\">Follow your parcel</a></p>\nYour tea shop\n</body>\n</html>",
			}},
		},
		"a Chinese mail has no page, because parts of two variants never mix": {
			channel: "email", locale: "zh-Hans-CN",
			want: template.Rendered{Content: channel.Content{
				Title: "订单 A/17 已发货",
				Text:  "Ann <3，您好！\n订单 A/17 已于3月1日23:30发货。",
			}},
		},
		"a short message is an approved text": {
			channel: "sms", locale: "zh",
			want: template.Rendered{Content: channel.Content{Approved: &channel.Approved{
				Name:   "order_shipped",
				Params: []channel.Param{{Name: "id", Value: "A/17"}, {Name: "day", Value: "1 Mar"}},
			}}},
		},
		"a robot gets its driver's settings": {
			channel: "ops-dingtalk",
			want: template.Rendered{
				Content: channel.Content{Title: "Parcel for Ann <3", Markdown: "**A/17** left at 23:30"},
				Extra:   json.RawMessage(`{"at":{"mobiles":["+8613800138000"]}}`),
			},
		},
		"any other channel gets the default": {
			channel: "desktop",
			want: template.Rendered{Content: channel.Content{
				Text: "Order A/17 is on its way",
				URL:  "https://shop.example/orders/A%2F17",
			}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := shipped(t)
			r.Channel, r.Locale = test.channel, test.locale
			got, err := s.Render(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestFallback(t *testing.T) {
	all := map[string]string{}
	for _, name := range []string{
		"email.zh-Hans-CN", "email.zh-Hans", "email.zh", "email.pt_BR", "email.en-a-bbb", "email.en", "email",
		"default.zh", "default.fr", "default",
	} {
		all["full/"+name+".text.tmpl"] = name
		if name != "email" && name != "default" {
			all["bare/"+name+".text.tmpl"] = name
		}
	}
	s := newSet(t, all)
	tests := map[string]struct{ key, channel, locale, want string }{
		"takes the locale itself":                     {"full", "email", "zh-Hans-CN", "email.zh-Hans-CN"},
		"drops a subtag":                              {"full", "email", "zh-Hans-SG", "email.zh-Hans"},
		"drops all but the language":                  {"full", "email", "zh-Hant-TW", "email.zh"},
		"does not care about case":                    {"full", "email", "ZH-hans-cn", "email.zh-Hans-CN"},
		"reads an underscore as a hyphen":             {"full", "email", "pt-br", "email.pt_BR"},
		"reads one in the request too":                {"full", "email", "zh_Hans_CN", "email.zh-Hans-CN"},
		"drops a single letter with what follows":     {"full", "email", "en-a-ccc", "email.en"},
		"never widens a locale":                       {"bare", "email", "pt", ""},
		"goes to the channel without a locale":        {"full", "email", "fr", "email"},
		"goes there for none":                         {"full", "email", "", "email"},
		"goes to the default in the locale":           {"full", "sms", "fr-CA", "default.fr"},
		"goes to the default of all":                  {"full", "sms", "de", "default"},
		"goes on from the channel to the default":     {"bare", "email", "fr", "default.fr"},
		"fits nothing":                                {"bare", "email", "de", ""},
		"fits nothing for another channel":            {"bare", "sms", "pt-BR", ""},
		"does not take the word default for a locale": {"bare", "sms", "", ""},
		"survives what is no locale":                  {"full", "email", "--__-", "email"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := s.Render(t.Context(), template.Request{Key: test.key, Channel: test.channel, Locale: test.locale})
			if test.want == "" {
				require.ErrorIs(t, err, template.ErrNoVariant)
				require.ErrorIs(t, err, channel.Rejected)
				require.ErrorContains(t, err, test.channel)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, got.Content.Text)
		})
	}
}

func TestRenderKnowsNoSuchTemplate(t *testing.T) {
	_, err := shop(t).Render(t.Context(), template.Request{Key: "order.lost", Channel: "email"})
	require.ErrorIs(t, err, template.ErrNoTemplate)
	require.ErrorContains(t, err, "order.lost")
}

func TestRenderStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := template.New(files(map[string]string{"k/default.text.tmpl": "{{range 1000}}{{stop .}}{{end}}"}), &template.Options{
		Funcs: map[string]any{"stop": func(i int) string {
			if i == 10 {
				cancel()
			}
			require.LessOrEqual(t, i, 10)
			return ""
		}},
	})
	require.NoError(t, err)
	_, err = s.Render(ctx, template.Request{Key: "k"})
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Render(ctx, template.Request{Key: "k"})
	require.ErrorIs(t, err, context.Canceled)
}

func TestRenderLeavesDataAsItIs(t *testing.T) {
	r, same := shipped(t), shipped(t)
	for _, r.Channel = range []string{"email", "sms", "ops-dingtalk"} {
		_, err := shop(t).Render(t.Context(), r)
		require.NoError(t, err)
	}
	require.Equal(t, same.Data, r.Data)
	require.Equal(t, same.Recipient, r.Recipient)
}

func TestRenderForManyAtOnce(t *testing.T) {
	s := shop(t)
	t.Run("group", func(t *testing.T) {
		for _, name := range []string{"Ann", "Bob", "Cid", "Dan"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := shipped(t)
				r.Recipient = map[string]any{"data": map[string]any{"name": name}}
				for range 200 {
					for _, r.Channel = range []string{"email", "ops-dingtalk"} {
						out, err := s.Render(t.Context(), r)
						require.NoError(t, err)
						require.Contains(t, out.Content.Title+out.Content.Text, name)
					}
				}
			})
		}
	})
}

func TestLineBreaks(t *testing.T) {
	s := newSet(t, map[string]string{
		"_name.tmpl":            "Ann\r\n",
		"k/a.title.tmpl":        "{{if true}}Hello {{template \"name\"}}\n{{end}}",
		"k/a.text.tmpl":         "one\n\n",
		"k/a.url.tmpl":          "https://x.example\r\n",
		"k/a.approved.json":     `{"name": "n\n", "params": [{"name": "p", "value": "{{template \"name\"}}\n"}]}`,
		"k/b.title.tmpl":        "\ufeffone\ntwo",
		"k/b.approved.json":     `{"name": "n"}`,
		"k/b.extra.json":        `{"z": "{{template \"name\"}}\n", "a": 1e2, "n": null}`,
		".hidden/x":             "",
		"k/.gitkeep":            "",
		"k/default.text.tmpl":   "",
		"k/default.de.url.tmpl": "",
	})
	out, err := s.Render(t.Context(), template.Request{Key: "k", Channel: "a"})
	require.NoError(t, err)
	require.Equal(t, channel.Content{Title: "Hello Ann", Text: "one\n", URL: "https://x.example",
		Approved: &channel.Approved{Name: "n", Params: []channel.Param{{Name: "p", Value: "Ann"}}}}, out.Content)

	out, err = s.Render(t.Context(), template.Request{Key: "k", Channel: "b"})
	require.NoError(t, err)
	require.Equal(t, channel.Content{Title: "one\ntwo", Approved: &channel.Approved{Name: "n"}}, out.Content)
	require.Equal(t, `{"a":1e2,"n":null,"z":"Ann\n"}`, string(out.Extra))
}

func TestExtraStaysJSON(t *testing.T) {
	s := newSet(t, map[string]string{
		"k/default.text.tmpl":  "x",
		"k/default.extra.json": `{"at": {"mobiles": ["{{.phone}}", "1"], "all": false}, "title": "<{{.phone}}>"}`,
	})
	phone := "\"}],\"all\":true,\n\u2028<x>\\"
	out, err := s.Render(t.Context(), template.Request{Key: "k", Data: map[string]any{"phone": phone}})
	require.NoError(t, err)
	var got map[string]any
	require.NoError(t, json.Unmarshal(out.Extra, &got))
	require.Equal(t, map[string]any{"at": map[string]any{"mobiles": []any{phone, "1"}, "all": false}, "title": "<" + phone + ">"}, got)
}

func TestCheck(t *testing.T) {
	s := shop(t)
	type recipient struct {
		Data map[string]string `json:"data"`
	}
	sample := json.RawMessage(shippedJSON)
	require.NoError(t, s.Check("order.shipped", sample, recipient{Data: map[string]string{"name": "Ann"}}))
	require.NoError(t, s.Check("login.code", struct {
		Code string `json:"code"`
	}{"1234"}))

	err := s.Check("login.code", map[string]int64{"cod": 1})
	require.ErrorContains(t, err, "login.code/default.text.tmpl:1: ")
	require.ErrorContains(t, err, "login.code/sms.approved.json params[0].value:1: ")

	err = s.Check("order.shipped", sample)
	require.ErrorContains(t, err, "recipient.data.name", "without a recipient, there is a null one")
	require.ErrorIs(t, s.Check("x", nil), template.ErrNoTemplate)
	require.Error(t, s.Check("login.code", func() {}))
	require.Error(t, s.Check("login.code", nil, func() {}))
	require.Error(t, s.Check("login.code", json.RawMessage(`1e999`)))
}

func TestCheckSeesIntegers(t *testing.T) {
	s := newSet(t, map[string]string{"k/default.text.tmpl": "{{.big}} {{.n}} {{index .list 0}} {{.float}}"})
	sample := map[string]any{"big": int64(9007199254740993), "n": 1.0, "list": []float64{2e3}, "float": 2.5}
	require.NoError(t, s.Check("k", sample))
}

func TestMust(t *testing.T) {
	require.Panics(t, func() { template.Must(template.New(fstest.MapFS{}, nil)) })
	require.NotNil(t, template.Must(template.New(os.DirFS("testdata/shop"), nil)))
}
