package notify_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/template"
)

// mailbox is a Validate that refuses an address without @, a title with a line break, a large attachment and unknown fields in extra.
func mailbox(d channel.Delivery) error {
	switch {
	case !strings.Contains(d.To, "@"):
		return &channel.Error{Kind: channel.InvalidRecipient, Field: "to", Err: errors.New("no mailbox")}
	case strings.ContainsAny(d.Content.Title, "\r\n"):
		return &channel.Error{Kind: channel.Rejected, Field: "content.title", Err: errors.New("has a line break")}
	case len(d.Attachments) > 0 && len(d.Attachments[0].Data) > 9:
		return errors.New("too large")
	case len(d.Extra) > 0:
		_, err := channel.Decode[struct{ From string }](d.Extra)
		return err
	}
	return nil
}

func TestFaultsOfAMessageRefuseItWhole(t *testing.T) {
	tests := map[string]struct {
		change func(*notify.Message)
		field  string
		is     error
	}{
		"no recipient":                  {func(m *notify.Message) { m.To = nil }, "to", nil},
		"an empty recipient":            {func(m *notify.Message) { m.To = append(m.To, notify.Recipient{}) }, "to[1]", nil},
		"a repeated recipient":          {func(m *notify.Message) { m.To = append(m.To, m.To[0]) }, "to[1].id", nil},
		"a repeated address":            {func(m *notify.Message) { m.To = notify.To("email", "a@x", "b@x", "a@x") }, "to[2].addresses.email", nil},
		"a recipient's bad locale":      {func(m *notify.Message) { m.To[0].Locale = "d e" }, "to[0].locale", nil},
		"a recipient's bad time zone":   {func(m *notify.Message) { m.To[0].TimeZone = "Mars/Base" }, "to[0].time_zone", nil},
		"the time zone Local":           {func(m *notify.Message) { m.To[0].TimeZone = "Local" }, "to[0].time_zone", nil},
		"a path as a time zone":         {func(m *notify.Message) { m.To[0].TimeZone = "./UTC" }, "to[0].time_zone", nil},
		"a bad locale":                  {func(m *notify.Message) { m.Locale = "german!" }, "locale", nil},
		"a bad class":                   {func(m *notify.Message) { m.Class = "urgent" }, "class", nil},
		"an unknown channel":            {func(m *notify.Message) { m.Channels = []string{"email", "pigeon"} }, "channels[1]", nil},
		"a repeated channel":            {func(m *notify.Message) { m.Channels = []string{"email", "email"} }, "channels[1]", nil},
		"no channel for the recipient":  {func(m *notify.Message) { m.Channels = nil; m.To = notify.Users("bob") }, "channels", nil},
		"an address of a group channel": {func(m *notify.Message) { m.Channels = nil; m.To = notify.To("robot", "x", "y") }, "channels", nil},
		"an address kind as a channel":  {func(m *notify.Message) { m.Channels = nil; m.To = notify.To("phone", "+1555") }, "channels", nil},
		"an unknown dispatcher":         {func(m *notify.Message) { m.Dispatcher = "wisest" }, "dispatcher", nil},
		"an unknown template":           {func(m *notify.Message) { m.Content = notify.Content{}; m.Template = "nope" }, "template", template.ErrNoTemplate},
		"content beside a template":     {func(m *notify.Message) { m.Template = "known" }, "content", nil},
		"data without a template":       {func(m *notify.Message) { m.Data = 1 }, "data", nil},
		"data without JSON":             {func(m *notify.Message) { m.Content = notify.Content{}; m.Template = "known"; m.Data = func() {} }, "data", nil},
		"no content":                    {func(m *notify.Message) { m.Content = notify.Content{} }, "content", nil},
		"extra for no channel":          {func(m *notify.Message) { m.Extra = map[string]any{"e-mail": 1} }, "extra.e-mail", nil},
		"extra without JSON":            {func(m *notify.Message) { m.Extra = map[string]any{"email": func() {}} }, "extra.email", nil},
		"expired":                       {func(m *notify.Message) { m.ExpireAt = in(-time.Second) }, "expire_at", nil},
		"a time to send":                {func(m *notify.Message) { m.SendAt = in(time.Hour) }, "send_at", notify.ErrNeedsStore},
		"a key":                         {func(m *notify.Message) { m.Key = "order-1" }, "key", notify.ErrNeedsStore},
		"a failing directory":           {func(m *notify.Message) { m.To = notify.Users("down") }, "to", errDown},
		"a group channel for several recipients, first": {func(m *notify.Message) {
			m.To = append(m.To, notify.Recipient{ID: "bob", Addresses: m.To[0].Addresses})
			m.Channels, m.Dispatcher = []string{"email", "robot"}, "first"
		}, "dispatcher", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := &driver{refuse: mailbox}
			n := newNotifier(t, notify.Config{
				Channels:  notify.Channels{"email": d, "robot": &driver{kind: channel.None}},
				Templates: rendererFunc(renderKnown),
				Directory: directoryFunc(downDirectory),
			})
			m := notify.Message{
				To:       []notify.Recipient{{ID: "ann", Addresses: map[string][]string{"email": {"ann@example.com"}}}},
				Channels: []string{"email"}, Content: notify.Content{Text: "hello"},
			}
			_, err := n.Send(t.Context(), m)
			require.NoError(t, err, "the message is valid before the change")
			before := d.calls()

			tt.change(&m)
			report, err := n.Send(t.Context(), m)
			var f *notify.FieldError
			require.ErrorAs(t, err, &f)
			require.Equal(t, tt.field, f.Field)
			require.Zero(t, report)
			require.Equal(t, before, d.calls(), "something was sent")
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
		})
	}
}

func TestFaultsOfADeliveryFailThatDeliveryAlone(t *testing.T) {
	good := func(id string) notify.Recipient {
		return notify.Recipient{ID: id, Addresses: map[string][]string{"email": {id + "@example.com"}, "fax": {"1"}}}
	}
	tests := map[string]struct {
		change func(*notify.Message)
		field  string
		kind   channel.Kind
		sent   int
	}{
		"an id that the directory does not know": {func(m *notify.Message) { m.To[1] = notify.Recipient{ID: "bob"} }, "to[1].id", channel.InvalidRecipient, 1},
		"a locale in the directory":              {func(m *notify.Message) { m.To[1] = notify.Recipient{ID: "eve"} }, "to[1].locale", channel.InvalidRecipient, 1},
		"no address":                             {func(m *notify.Message) { m.To[1].Addresses = map[string][]string{"phone": {"+1"}} }, "to[1].addresses.email", channel.InvalidRecipient, 1},
		"an empty address":                       {func(m *notify.Message) { m.To[1].Addresses = map[string][]string{"email": {""}} }, "to[1].addresses.email", channel.InvalidRecipient, 1},
		"a malformed address":                    {func(m *notify.Message) { m.To[1].Addresses["email"] = []string{"bob"} }, "to", channel.InvalidRecipient, 1},
		"a line break in the title":              {func(m *notify.Message) { m.Content.Title = "a\r\nBcc: eve@example.com" }, "content.title", channel.Rejected, 0},
		"an attachment that is too large": {func(m *notify.Message) {
			m.Attachments = []notify.Attachment{{Data: make([]byte, 10)}}
		}, "", channel.Rejected, 0},
		"an unknown field in extra": {func(m *notify.Message) { m.Extra = map[string]any{"email": map[string]any{"form": "x"}} }, "extra.form", channel.Rejected, 0},
		"missing data":              {func(m *notify.Message) { m.Content, m.Template = notify.Content{}, "known" }, "data.name", channel.Rejected, 0},
		"a panic in the template":   {func(m *notify.Message) { m.Content, m.Template = notify.Content{}, "panics" }, "", channel.Rejected, 0},
		"a variant that is missing": {func(m *notify.Message) {
			m.Content, m.Template, m.Data = notify.Content{}, "known", map[string]any{"name": "you"}
			m.Channels = []string{"email", "fax"}
			m.To = m.To[:1]
		}, "template", channel.Rejected, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := &driver{refuse: mailbox, kind: channel.Email}
			n := newNotifier(t, notify.Config{
				Channels:  notify.Channels{"email": d, "fax": &driver{}},
				Templates: rendererFunc(renderKnown),
				Directory: directoryFunc(func([]string) ([]notify.Recipient, error) {
					return []notify.Recipient{{ID: "eve", Locale: "!"}}, nil
				}),
			})
			m := notify.Message{To: []notify.Recipient{good("ann"), good("bob")}, Channels: []string{"email"}, Content: notify.Content{Text: "hello"}}
			tt.change(&m)
			report, err := n.Send(t.Context(), m)
			require.ErrorIs(t, err, tt.kind)
			require.Equal(t, tt.sent, d.calls())
			failed := report.Deliveries[len(report.Deliveries)-1]
			require.Equal(t, notify.Failed, failed.Status)
			require.Zero(t, failed.Attempts)
			var e *channel.Error
			require.ErrorAs(t, failed.Err, &e)
			require.Equal(t, tt.field, e.Field)
		})
	}
}

func TestNewRefuses(t *testing.T) {
	var none *driver
	var noFunc channel.Func
	broken := errors.New("no host")
	ok := notify.Channels{"email": &driver{kind: channel.Email}}
	tests := map[string]struct {
		config notify.Config
		field  string
		is     error
	}{
		"no channels":                     {notify.Config{}, "channels", nil},
		"a nil driver":                    {notify.Config{Channels: notify.Channels{"email": nil}}, "channels.email", nil},
		"a nil pointer":                   {notify.Config{Channels: notify.Channels{"email": none}}, "channels.email", nil},
		"a nil function":                  {notify.Config{Channels: notify.Channels{"email": noFunc}}, "channels.email", nil},
		"a name with a dot":               {notify.Config{Channels: notify.Channels{"e.mail": &driver{}}}, "channels.e.mail", nil},
		"the name default":                {notify.Config{Channels: notify.Channels{"default": &driver{}}}, "channels.default", nil},
		"a configuration that is invalid": {notify.Config{Channels: notify.Channels{"email": &driver{invalid: broken}}}, "channels.email", broken},
		"a policy for no channel":         {notify.Config{Channels: ok, Policies: map[string]notify.Policy{"mail": {}}}, "policies.mail", nil},
		"a negative policy":               {notify.Config{Channels: ok, Policies: map[string]notify.Policy{"": {Attempts: -1}}}, "policies.", nil},
		"a negative concurrency":          {notify.Config{Channels: ok, Policies: map[string]notify.Policy{"email": {Concurrency: -1}}}, "policies.email", nil},
		"a rate that is no number":        {notify.Config{Channels: ok, Policies: map[string]notify.Policy{"email": {Rate: math.NaN()}}}, "policies.email", nil},
		"a driver's negative limits":      {notify.Config{Channels: notify.Channels{"email": &driver{limits: channel.Limits{Concurrency: -1}}}}, "channels.email", nil},
		"a nil dispatcher":                {notify.Config{Channels: ok, Dispatchers: map[string]notify.Dispatcher{"x": nil}}, "dispatchers.x", nil},
		"a dispatcher named all":          {notify.Config{Channels: ok, Dispatchers: map[string]notify.Dispatcher{"all": notify.All()}}, "dispatchers.all", nil},
		"a dispatcher that waits": {
			notify.Config{Channels: ok, Dispatchers: map[string]notify.Dispatcher{"x": notify.First(notify.Read, time.Hour)}},
			"dispatchers.x", notify.ErrNeedsStore,
		},
		"a dispatcher with a bad level": {notify.Config{Channels: ok, Dispatchers: map[string]notify.Dispatcher{"x": notify.First(notify.Failed, 0)}}, "dispatchers.x", nil},
		"a redirect of an unknown kind": {notify.Config{Channels: ok, Redirect: map[string]string{"phone": "+1"}}, "redirect.phone", nil},
		"a redirect to no address":      {notify.Config{Channels: ok, Redirect: map[string]string{"email": ""}}, "redirect.email", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n, err := notify.New(tt.config)
			require.Nil(t, n)
			var f *notify.FieldError
			require.ErrorAs(t, err, &f)
			require.Equal(t, tt.field, f.Field)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
		})
	}
}
