package email_test

import (
	"regexp"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

func TestQueueID(t *testing.T) {
	for answer, want := range map[string]string{
		"2.0.0 Ok: queued as 4cZx2k0lqz":             "4cZx2k0lqz",
		"OK id=1vMxQ4-0003Lz-2T":                     "1vMxQ4-0003Lz-2T",
		"2.6.0 <d-7@example.com> Queued mail, fine.": "",
		"Ok 010001910a2b3c4d-5e6f7a8b-000000":        "010001910a2b3c4d-5e6f7a8b-000000",
		"Ok thanks":                                  "",
		"queued as ":                                 "",
		"queued as <1>;":                             "1",
		"":                                           "",
	} {
		require.Equal(t, want, email.QueueID(answer), "%q", answer)
	}
}

// shown matches the text of an error about a reply: it quotes codes only.
var shown = regexp.MustCompile(`^email: the server refused [A-Za-z ]+ ` +
	`\([a-z_]+, code [45]\d\d( [45]\.\d{1,3}\.\d{1,3})?(, retry after [0-9.hmsµn]+)?\)$`)

func FuzzReply(f *testing.F) {
	for _, seed := range []struct {
		step string
		code int
		text string
	}{
		{"RCPT TO", 550, "5.1.1 <ann@example.com>: Recipient address rejected: User unknown in local recipient table"},
		{"RCPT TO", 450, "4.2.0 <ann@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/"},
		{"RCPT TO", 451, "Greylisted, please try again in 5 minutes"},
		{"MAIL FROM", 421, "4.7.0 Our system has detected an unusual rate of unsolicited mail\n4.7.0 from you"},
		{"the mail", 454, "Throttling failure: Maximum sending rate exceeded."},
		{"the mail", 552, "5.3.4 Message size exceeds fixed limit"},
		{"AUTH", 535, "Incorrect authentication data"},
		{"the greeting", 554, "5..1.2222 no"},
		{"RCPT TO", 450, "wait 99999999999h"},
		{"DATA", 250, "ok"},
	} {
		f.Add(seed.step, seed.code, seed.text)
	}
	f.Fuzz(func(t *testing.T, step string, code int, text string) {
		if !regexp.MustCompile(`^[A-Za-z ]+$`).MatchString(step) {
			t.Skip()
		}
		err := email.Classify(step, code, text)
		if code < 400 || code > 599 {
			require.NoError(t, err)
			return
		}
		var e *channel.Error
		require.ErrorAs(t, err, &e)
		require.Regexp(t, shown, e.Error())
		require.True(t, e.RetryAfter >= 0 && e.RetryAfter <= 24*time.Hour)
		switch e.Kind {
		case channel.Temporary:
			require.Less(t, code, 500)
		case channel.RateLimited:
			require.Positive(t, e.RetryAfter)
		case channel.InvalidRecipient, channel.Unreachable, channel.Rejected, channel.Misconfigured:
			require.GreaterOrEqual(t, code, 500)
		default:
			t.Fatalf("kind %q", e.Kind)
		}
	})
}

func FuzzQueueID(f *testing.F) {
	f.Add("2.0.0 Ok: queued as 4cZx2k0lqz")
	f.Add("OK id=1vMxQ4-0003Lz-2T")
	f.Add("Ok 010001910a2b3c4d-5e6f7a8b-000000")
	f.Fuzz(func(t *testing.T, answer string) {
		id := email.QueueID(answer)
		require.LessOrEqual(t, len(id), 200)
		for _, r := range id {
			require.True(t, r < unicode.MaxASCII && unicode.IsGraphic(r) && r != ' ')
		}
	})
}
