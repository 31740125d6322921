package notify_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/template"
)

// to returns the recipient, channel and address of each delivery.
func to(r notify.Report) []string {
	var list []string
	for _, o := range r.Deliveries {
		list = append(list, o.Recipient+" "+o.Channel+" "+o.To)
	}
	return list
}

func TestWhoIsReachedWhere(t *testing.T) {
	directory := directoryFunc(func([]string) ([]notify.Recipient, error) {
		return []notify.Recipient{
			{ID: "bob", Addresses: map[string][]string{"phone": {"+2"}, "email": {"bob@x"}}, Locale: "fr"},
			{ID: "ann", Addresses: map[string][]string{"email": {"ann@x", "ann@home", "ann@x"}, "vip": {"+1-vip"}, "phone": {"+1"}}},
		}, nil
	})
	tests := map[string]struct {
		to       []notify.Recipient
		channels []string
		want     []string
	}{
		"by kind, one delivery per address, equal ones once": {
			notify.Users("ann", "bob"), []string{"sms", "email"},
			[]string{"ann sms +1", "ann email ann@x", "ann email ann@home", "bob sms +2", "bob email bob@x"},
		},
		"the channel's name goes before the kind": {notify.Users("ann"), []string{"vip"}, []string{"ann vip +1-vip"}},
		"a user id is an address itself":          {notify.Users("ann"), []string{"page"}, []string{"ann page ann"}},
		"addresses of the message need no directory": {
			notify.To("email", "eve@x", "joe@x"), []string{"email"}, []string{" email eve@x", " email joe@x"},
		},
		"without channels, those that the addresses name": {
			[]notify.Recipient{{ID: "eve", Addresses: map[string][]string{"sms": {"+3"}, "email": {"eve@x"}}}}, nil,
			[]string{"eve email eve@x", "eve sms +3"},
		},
		"with one recipient, a group channel keeps its place": {
			notify.Users("bob"), []string{"robot", "sms"}, []string{"bob robot ", "bob sms +2"},
		},
		"with several recipients, a group channel comes once, last": {
			notify.Users("ann", "bob"), []string{"robot", "sms"}, []string{"ann sms +1", "bob sms +2", " robot "},
		},
		"without recipients, a group channel stands alone": {nil, []string{"robot"}, []string{" robot "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := newNotifier(t, notify.Config{
				Channels: notify.Channels{
					"email": &driver{kind: channel.Email}, "sms": &driver{kind: channel.Phone}, "vip": &driver{kind: channel.Phone},
					"page": &driver{kind: channel.UserID}, "robot": &driver{kind: channel.None},
				},
				Directory: directory,
			})
			r, err := n.Send(t.Context(), notify.Message{To: tt.to, Channels: tt.channels, Content: notify.Content{Text: "x"}})
			require.NoError(t, err)
			require.Equal(t, tt.want, to(r))
		})
	}
}

func TestTheDirectoryIsAskedOnce(t *testing.T) {
	var asked [][]string
	n := newNotifier(t, notify.Config{
		Channels: notify.Channels{"page": &driver{kind: channel.UserID}},
		Directory: directoryFunc(func(ids []string) ([]notify.Recipient, error) {
			asked = append(asked, ids)
			return []notify.Recipient{{ID: "ann"}, {ID: "bob"}}, nil
		}),
	})
	m := notify.Message{To: append(notify.Users("ann", "bob"), notify.To("page", "eve")...), Channels: []string{"page"}, Content: notify.Content{Text: "x"}}
	_, err := n.Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"ann", "bob"}}, asked)
}

func TestRedirectSendsEverythingToOneAddress(t *testing.T) {
	n := newNotifier(t, notify.Config{
		Channels: notify.Channels{"email": &driver{kind: channel.Email}, "sms": &driver{kind: channel.Phone}, "fax": &driver{}},
		Redirect: map[string]string{"email": "staging@x", "fax": "0"},
	})
	ann := notify.Recipient{ID: "ann", Addresses: map[string][]string{"email": {"ann@x"}, "sms": {"+1"}, "fax": {"7"}}}
	r, err := n.Send(t.Context(), notify.Message{To: []notify.Recipient{ann}, Content: notify.Content{Text: "x"}})
	require.NoError(t, err)
	require.Equal(t, []string{"ann email staging@x", "ann fax 0", "ann sms +1"}, to(r))
}

func TestTemplatesSeeDataAsItsJSON(t *testing.T) {
	var asked []template.Request
	d := &driver{}
	n := newNotifier(t, notify.Config{
		Channels: notify.Channels{"pager": d},
		Templates: rendererFunc(func(ctx context.Context, q template.Request) (template.Rendered, error) {
			asked = append(asked, q)
			return renderKnown(ctx, q)
		}),
	})
	type order struct {
		Name string  `json:"name"`
		No   int64   `json:"no"`
		Sum  float64 `json:"sum"`
	}
	m := hello("pager")
	m.To[0].TimeZone = "Asia/Shanghai"
	m.Content, m.Template, m.Locale, m.Data = notify.Content{}, "known", "zh-Hans", order{"Ann", 9007199254740993, 1.5}
	_, err := n.Send(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, "Hi Ann", d.got[0].Content.Text)
	require.JSONEq(t, `{"from":"template"}`, string(d.got[0].Extra))

	q := asked[0]
	require.Equal(t, map[string]any{"name": "Ann", "no": int64(9007199254740993), "sum": 1.5}, q.Data)
	require.Equal(t, "ann", q.Recipient.(map[string]any)["id"])
	require.Equal(t, []string{"known", "pager", "zh-Hans", "Asia/Shanghai"}, []string{q.Key, q.Channel, q.Locale, q.TimeZone})

	m.Extra = map[string]any{"pager": map[string]string{"from": "message"}}
	_, err = n.Send(t.Context(), m)
	require.NoError(t, err)
	require.JSONEq(t, `{"from":"message"}`, string(d.got[1].Extra), "the message's extra replaces the template's")
}

func TestNothingIsRenderedAfterCtx(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	rendered := 0
	n := newNotifier(t, notify.Config{
		Channels: notify.Channels{"pager": &driver{refuse: mailbox}},
		Templates: rendererFunc(func(ctx context.Context, _ template.Request) (template.Rendered, error) {
			rendered++
			cancel()
			return template.Rendered{}, ctx.Err()
		}),
	})
	m := notify.Message{To: notify.To("pager", "0", "1", "2"), Channels: []string{"pager"}, Template: "long"}
	r, err := n.Send(ctx, m)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []notify.Status{notify.Canceled, notify.Canceled, notify.Canceled}, statuses(r))
	require.Equal(t, 1, rendered)
}

func TestMessageIDsAreUUIDv7InTheOrderOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(t, notify.Config{Channels: notify.Channels{"pager": &driver{}}})
		last := ""
		for range 3 {
			r, err := n.Send(t.Context(), hello("pager"))
			require.NoError(t, err)
			require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, r.ID)
			require.Greater(t, r.ID, last)
			require.Equal(t, r.ID+"-0-0", r.Deliveries[0].ID)
			last = r.ID
			time.Sleep(time.Millisecond)
		}
	})
}
