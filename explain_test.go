package notify_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store/memory"
)

func TestExplainHidesAnAddressThatADriverTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := errors.New("vendor: no ann@example.com here, \x1b[31mnobody\nelse")
		d := &driver{kind: channel.Email, answers: []error{&channel.Error{Kind: channel.Temporary, Err: told}, &channel.Error{Kind: channel.Rejected, Err: told}}}
		n := newNotifier(t, notify.Config{Store: memory.New(), Channels: notify.Channels{"mail": d, "room": &driver{kind: channel.None}}})
		r := sent(t, n, notify.Message{To: notify.To("mail", "ann@example.com"), Channels: []string{"mail", "room"}, Content: notify.Content{Text: "hi"}})
		require.Equal(t, []notify.Status{notify.Failed, notify.Sent}, statuses(r))
		time.Sleep(time.Second)
		text, err := n.Explain(t.Context(), r.ID)
		require.NoError(t, err)
		require.NotContains(t, text, "ann@example.com")
		require.Contains(t, text, "because: vendor: no <address> here, [31mnobody else (rejected)")
		require.NotContains(t, text, "\x1b", "control characters are left out")
	})
}
