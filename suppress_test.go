package notify_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store/memory"
)

// invalidAddress returns a driver that fails every call with InvalidRecipient.
func invalidAddress(kind string) *driver {
	return &driver{kind: kind, answers: []error{fails(channel.InvalidRecipient)}}
}

func TestAnAddressThatIsRefusedForGoodIsSuppressed(t *testing.T) {
	d := invalidAddress("")
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"pager": d}})
	first := sent(t, n, hello("pager"))
	require.Equal(t, notify.ReasonInvalid, first.Deliveries[0].Reason)

	r := sent(t, n, hello("pager"))
	requireSuppressed(t, r.Deliveries[0], notify.ReasonInvalid)
	require.Equal(t, 1, d.calls())
	require.True(t, r.Deliveries[0].Reached, "there was nothing to send")
	require.NotContains(t, r.Deliveries[0].Err.Error(), "ann")

	m := hello("pager")
	m.Tenant = "other"
	require.Equal(t, notify.Failed, sent(t, n, m).Deliveries[0].Status, "each tenant has suppressions of its own")
	require.Equal(t, 2, d.calls())

	found, err := n.Unsuppress(t.Context(), "", "pager", " ann-pager ")
	require.NoError(t, err)
	require.True(t, found)
	found, err = n.Unsuppress(t.Context(), "", "pager", "ann-pager")
	require.NoError(t, err)
	require.False(t, found)
	require.Equal(t, notify.Failed, sent(t, n, hello("pager")).Deliveries[0].Status)
	require.Equal(t, 3, d.calls())
}

func TestOnlyADriversAnswerSuppresses(t *testing.T) {
	tests := map[string]*driver{
		"a refusal of the content":         {answers: []error{fails(channel.Rejected)}},
		"an unreachable recipient":         {answers: []error{fails(channel.Unreachable)}},
		"an address that Validate refuses": {refuse: func(channel.Delivery) error { return fails(channel.InvalidRecipient) }},
	}
	for name, d := range tests {
		t.Run(name, func(t *testing.T) {
			n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"pager": d}})
			for range 2 {
				require.Equal(t, notify.Failed, sent(t, n, hello("pager")).Deliveries[0].Status)
			}
		})
	}
}

func TestAHardBounceSuppresses(t *testing.T) {
	for kind, want := range map[channel.Kind]notify.Status{channel.InvalidRecipient: notify.Suppressed, "": notify.Sent, channel.Rejected: notify.Sent} {
		t.Run("bounced as "+string(kind), func(t *testing.T) {
			n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"sms": texting()}})
			o := sent(t, n, text("+15005550006")).Deliveries[0]
			require.NoError(t, n.Receive(t.Context(), channel.Receipt{Provider: "vendor", ID: o.ProviderID, Event: channel.Bounced, Kind: kind}))
			r := sent(t, n, text("001 (500) 555-0006"))
			require.Equal(t, want, r.Deliveries[0].Status)
			if want == notify.Suppressed {
				requireSuppressed(t, r.Deliveries[0], notify.ReasonBounced)
			}
		})
	}
}

func TestABounceThatIsTheAnswerSuppresses(t *testing.T) {
	gone := channel.Func(func(context.Context, channel.Delivery) (channel.Receipt, error) {
		return channel.Receipt{Event: channel.Bounced, Kind: channel.InvalidRecipient, Code: "5.1.1"}, nil
	})
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"pager": gone}})
	o := sent(t, n, hello("pager")).Deliveries[0]
	require.Equal(t, notify.ReasonBounced, o.Reason)
	require.ErrorIs(t, o.Err, channel.InvalidRecipient)
	requireSuppressed(t, sent(t, n, hello("pager")).Deliveries[0], notify.ReasonBounced)
}

func TestSpellingsOfAnAddressAreOne(t *testing.T) {
	tests := map[string]struct {
		kind       string
		one, other string
		same       bool
	}{
		"a mailbox's domain":     {channel.Email, "ann@Example.COM", " ann@example.com", true},
		"a mailbox's name":       {channel.Email, "Ann@example.com", "ann@example.com", false},
		"a quoted mailbox":       {channel.Email, `"a@B"@C.com`, `"a@B"@c.com`, true},
		"a number":               {channel.Phone, "+49 (170) 123-45.67", "00491701234567", true},
		"another number":         {channel.Phone, "+491701234567", "+491701234568", false},
		"a token":                {"token", "aBc", "abc", false},
		"a space around a token": {"token", "aBc\n", "aBc", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"c": invalidAddress(tt.kind)}})
			to := func(a string) notify.Message {
				return notify.Message{To: notify.To(tt.kind, a), Channels: []string{"c"}, Content: notify.Content{Text: "hi"}}
			}
			sent(t, n, to(tt.one))
			r := sent(t, n, to(tt.other))
			require.Equal(t, tt.same, r.Deliveries[0].Status == notify.Suppressed)
			found, err := n.Unsuppress(t.Context(), "", tt.kind, tt.one)
			require.NoError(t, err)
			require.True(t, found)
		})
	}
}

func TestAKindOfAddressIsSuppressedOnAllItsChannels(t *testing.T) {
	d := &driver{kind: channel.Phone}
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"a": invalidAddress(channel.Phone), "b": d, "c": &driver{kind: "other"}}})
	m := notify.Message{Content: notify.Content{Text: "hi"}, Channels: []string{"a"}, To: notify.To(channel.Phone, "+1")}
	m.To[0].Addresses["c"] = []string{"+1"}
	sent(t, n, m)
	m.Channels, m.Dispatcher = []string{"b", "c"}, "first"
	r := sent(t, n, m)
	requireSuppressed(t, r.Deliveries[0], notify.ReasonInvalid)
	require.Equal(t, notify.Sent, r.Deliveries[1].Status, "the dispatcher tries the next channel")
	require.Zero(t, d.calls())
}

func TestGroupChannelsAreNeverSuppressed(t *testing.T) {
	d := invalidAddress(channel.None)
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"ops": d}})
	for range 2 {
		r := sent(t, n, notify.Message{Channels: []string{"ops"}, Content: notify.Content{Text: "hi"}})
		require.Equal(t, notify.Failed, r.Deliveries[0].Status)
	}
	require.Equal(t, 2, d.calls())
}

func TestAnAddressThatDiesMeanwhileGetsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &driver{answers: []error{waits(channel.Temporary, time.Hour), fails(channel.InvalidRecipient)}}
		n := durable(t, memory.New(), notify.Channels{"pager": d})
		running(t, n)
		retried := accept(t, n, hello("pager"))
		pass(time.Minute)
		scheduled := hello("pager")
		scheduled.SendAt = in(30 * time.Minute)
		later := accept(t, n, scheduled)
		settled(t, n, accept(t, n, hello("pager")).ID)
		requireSuppressed(t, settled(t, n, later.ID).Deliveries[0], notify.ReasonInvalid)
		requireSuppressed(t, settled(t, n, retried.ID).Deliveries[0], notify.ReasonInvalid)
		require.Equal(t, 2, d.calls())
	})
}

func TestAStoreWithoutSuppressionsSuppressesNothing(t *testing.T) {
	n := newNotifier(t, notify.Config{Store: deliveriesOnly{memory.New()}, Channels: notify.Channels{"pager": invalidAddress("")}})
	for range 2 {
		require.Equal(t, notify.Failed, sent(t, n, hello("pager")).Deliveries[0].Status)
	}
	_, err := n.Unsuppress(t.Context(), "", "pager", "ann-pager")
	require.ErrorIs(t, err, notify.ErrNeedsStore)
}

func TestUnsuppressRefusesWhatNoDatabaseTakes(t *testing.T) {
	n, _ := stored(t, memory.New())
	_, err := n.Unsuppress(t.Context(), "\x00", "pager", "x")
	requireField(t, "tenant", err)
	_, err = n.Unsuppress(t.Context(), "", string(make([]byte, 300)), "x")
	requireField(t, "kind", err)
}

func TestWhatTheStoreDoesNotSayProvidersSay(t *testing.T) {
	st, d := newFakeStore(memory.New()), invalidAddress("")
	st.fail(errStore, saveSuppressions)
	n := newNotifier(t, notify.Config{Store: st, Channels: notify.Channels{"pager": d}})
	for range 2 {
		require.Equal(t, notify.Failed, sent(t, n, hello("pager")).Deliveries[0].Status)
	}
	require.Equal(t, 2, d.calls())
}

func TestAUserIDIsDeadOnItsOwnChannelOnly(t *testing.T) {
	d := &driver{kind: channel.UserID}
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"chat": invalidAddress(channel.UserID), "page": d}})
	m := notify.Message{Content: notify.Content{Text: "hi"}, Channels: []string{"chat"}, To: notify.Users("ann")}
	require.Equal(t, notify.Failed, sent(t, n, m).Deliveries[0].Status, "ann is not in the chat")
	m.Channels = []string{"chat", "page"}
	r := sent(t, n, m)
	requireSuppressed(t, r.Deliveries[0], notify.ReasonInvalid)
	require.Equal(t, notify.Sent, r.Deliveries[1].Status)
	found, err := n.Unsuppress(t.Context(), "", "chat", "ann")
	require.NoError(t, err)
	require.True(t, found)
}

func TestAChannelsNameWillDoForItsKindOfAddress(t *testing.T) {
	n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"sms": invalidAddress(channel.Phone)}})
	sent(t, n, text("+15005550006"))
	found, err := n.Unsuppress(t.Context(), "", "sms", "+1 500 555 0006")
	require.NoError(t, err)
	require.True(t, found)
}
