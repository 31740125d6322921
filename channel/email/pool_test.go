package email_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

func TestBurstUsesOneConnection(t *testing.T) {
	s := serve(t, nil)
	c := s.channel(login)
	for range 20 {
		_, err := c.Send(t.Context(), delivery())
		require.NoError(t, err)
	}
	opened, _ := s.connections()
	require.Equal(t, 1, opened)
	require.Equal(t, 1, s.count("AUTH"))
	require.Len(t, s.received(), 20)
}

func TestNeverMoreConnectionsThanThePool(t *testing.T) {
	const pool = 3
	var now, most atomic.Int32
	s := serve(t, func(step string, _ int) string {
		switch step {
		case "MAIL":
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
		case "DOT":
			now.Add(-1)
		}
		return ""
	})
	c := s.channel(func(o *email.Options) { o.Pool = pool })
	for _, err := range together(24, func(int) error {
		_, err := c.Send(t.Context(), delivery())
		return err
	}) {
		require.NoError(t, err)
	}
	opened, _ := s.connections()
	require.LessOrEqual(t, opened, pool)
	require.LessOrEqual(t, most.Load(), int32(pool))
	require.Len(t, s.received(), 24)
}

func TestWaitingForAConnectionEndsWithTheContext(t *testing.T) {
	s := serve(t, on("DOT", silence))
	c := s.channel(func(o *email.Options) { o.Pool = 1 })
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := c.Send(ctx, delivery())
		first <- err
	}()
	require.Eventually(t, func() bool { return s.count("DOT") == 1 }, 5*time.Second, time.Millisecond)

	late, cancelLate := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancelLate()
	_, err := c.Send(late, delivery())
	requireKind(t, channel.Temporary, err)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	cancel()
	requireKind(t, channel.Uncertain, <-first)
}

func TestStaleConnectionIsNoFailure(t *testing.T) {
	tests := map[string]struct {
		script script
		hangUp bool
	}{
		"when the server hung up meanwhile": {hangUp: true},
		"when the server hangs up at MAIL": {script: func(step string, nth int) string {
			if step == "MAIL" && nth == 2 {
				return cut
			}
			return ""
		}},
		"when the server says that the session is over": {script: func(step string, nth int) string {
			if step == "MAIL" && nth == 2 {
				return "421 4.4.2 timeout exceeded"
			}
			return ""
		}},
		"when the server thinks that a mail is under way": {script: func(step string, nth int) string {
			if step == "MAIL" && nth == 2 {
				return "503 5.5.1 nested MAIL command"
			}
			return ""
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.script)
			c := s.channel()
			_, err := c.Send(t.Context(), delivery())
			require.NoError(t, err)
			if test.hangUp {
				s.hangUp()
			}
			_, err = c.Send(t.Context(), delivery())
			require.NoError(t, err)
			opened, _ := s.connections()
			require.Equal(t, 2, opened)
			require.Len(t, s.received(), 2)
		})
	}
}

func TestStaleConnectionIsReplacedOnlyOnce(t *testing.T) {
	s := serve(t, func(step string, nth int) string {
		if step == "MAIL" && nth > 1 {
			return "421 4.3.2 going down"
		}
		return ""
	})
	c := s.channel()
	_, err := c.Send(t.Context(), delivery())
	require.NoError(t, err)
	_, err = c.Send(t.Context(), delivery())
	requireKind(t, channel.Temporary, err)
	require.Equal(t, 3, s.count("MAIL"))
}

func TestKeptConnectionThatDiesLaterIsAFailure(t *testing.T) {
	for step, want := range map[string]channel.Kind{"RCPT": channel.Temporary, "DATA": channel.Temporary, "DOT": channel.Uncertain} {
		t.Run(step, func(t *testing.T) {
			s := serve(t, func(at string, nth int) string {
				if at == step && nth == 2 {
					return cut
				}
				return ""
			})
			c := s.channel()
			_, err := c.Send(t.Context(), delivery())
			require.NoError(t, err)
			_, err = c.Send(t.Context(), delivery())
			requireKind(t, want, err)
			opened, _ := s.connections()
			require.Equal(t, 1, opened)
		})
	}
}

func TestIdleConnectionIsClosedPolitely(t *testing.T) {
	s := serve(t, nil)
	c := s.channel(func(o *email.Options) { o.IdleTimeout = 20 * time.Millisecond })
	for n := range 2 {
		_, err := c.Send(t.Context(), delivery())
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			_, open := s.connections()
			return s.count("QUIT") == n+1 && open == 0
		}, 5*time.Second, time.Millisecond)
	}
}

func TestCloseClosesWhatIsKept(t *testing.T) {
	s := serve(t, nil)
	c := s.channel()
	together(8, func(int) error {
		_, err := c.Send(t.Context(), delivery())
		return err
	})
	require.NoError(t, c.Close())
	opened, _ := s.connections()
	require.Equal(t, opened, s.count("QUIT"))
	require.NoError(t, c.Close())

	_, err := c.Send(t.Context(), delivery())
	requireKind(t, channel.Temporary, err)
}

func TestCloseLetsASendFinish(t *testing.T) {
	at, goOn := make(chan struct{}), make(chan struct{})
	s := serve(t, func(step string, _ int) string {
		if step == "DOT" {
			close(at)
			<-goOn
		}
		return ""
	})
	c := s.channel()
	sent := make(chan error)
	go func() {
		_, err := c.Send(t.Context(), delivery())
		sent <- err
	}()
	<-at
	require.NoError(t, c.Close())
	close(goOn)
	require.NoError(t, <-sent)
	require.Eventually(t, func() bool { _, open := s.connections(); return open == 0 }, 5*time.Second, time.Millisecond)
}

// The result of each Send must agree with the mails that the server received, however often connections break.
func TestTellsTheTruthThroughCuts(t *testing.T) {
	const senders, mails = 16, 25
	s := serve(t, func(step string, _ int) string {
		if rand.IntN(25) > 0 {
			return ""
		}
		if step == "RCPT" {
			return [...]string{cut, "421 4.3.2 going down", "450 4.7.1 later", "550 5.1.1 who"}[rand.IntN(4)]
		}
		return cut
	})
	c := s.channel(login)
	var mu sync.Mutex
	told := map[string]error{}
	together(senders, func(i int) error {
		for j := range mails {
			d := delivery()
			d.ID = fmt.Sprintf("d-%d-%d", i, j)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			_, err := c.Send(ctx, d)
			cancel()
			mu.Lock()
			told[d.ID] = err
			mu.Unlock()
		}
		return nil
	})

	has := map[string]int{}
	for _, m := range s.received() {
		id, _, _ := strings.Cut(strings.Trim(header(t, m).Get("Message-ID"), "<>"), "@")
		has[id]++
	}
	sent := 0
	for id, err := range told {
		switch kind := channel.KindOf(err); {
		case err == nil:
			sent++
			require.Equal(t, 1, has[id], "told as sent")
		case kind == channel.Uncertain:
			require.LessOrEqual(t, has[id], 1)
		default:
			require.Contains(t, []channel.Kind{channel.Temporary, channel.InvalidRecipient}, kind)
			require.Zero(t, has[id], "told as not sent: %v", err)
		}
	}
	require.Len(t, told, senders*mails)
	require.Greater(t, sent, senders*mails/2)
}

// together runs n calls of f concurrently and returns their errors.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errs
}
