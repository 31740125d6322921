package email_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

// elsewhere dials a port on loopback, whatever the address.
func elsewhere(port int) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	}
}

var everyStep = []string{"CONNECT", "EHLO", "STARTTLS", "HANDSHAKE", "AUTH", "MAIL", "RCPT", "DATA", "CONTENT", "DOT"}

// large returns a mail that does not fit into a socket's buffer.
func large() channel.Delivery {
	d := delivery()
	d.Attachments = []channel.Attachment{{Name: "film.bin", Data: make([]byte, 8<<20)}}
	return d
}

func kindAt(step string) channel.Kind {
	if step == "DOT" {
		return channel.Uncertain
	}
	return channel.Temporary
}

func TestSilentServerCostsOnlyTheDeadline(t *testing.T) {
	for _, step := range everyStep {
		t.Run(step, func(t *testing.T) {
			s := serve(t, on(step, silence))
			c := s.channel(login)
			ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
			defer cancel()
			d := delivery()
			if step == "CONTENT" {
				d = large()
			}
			start := time.Now()
			_, err := c.Send(ctx, d)
			require.Less(t, time.Since(start), 4*time.Second)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			requireKind(t, kindAt(step), err)
		})
	}
}

func TestConnectionCut(t *testing.T) {
	for _, step := range everyStep {
		t.Run(step, func(t *testing.T) {
			s := serve(t, on(step, cut))
			d := delivery()
			if step == "CONTENT" {
				d = large()
			}
			_, err := s.channel(login).Send(t.Context(), d)
			requireKind(t, kindAt(step), err)
		})
	}
}

// A tearing connection breaks during the write that ends a mail.
type tearing struct{ net.Conn }

func (c tearing) Write(b []byte) (int, error) {
	if !bytes.HasSuffix(b, []byte("\r\n.\r\n")) {
		return c.Conn.Write(b)
	}
	n, _ := c.Conn.Write(b[:len(b)-1])
	return n, errors.Join(net.ErrClosed, c.Close())
}

func TestTornWriteIsTemporary(t *testing.T) {
	s := serve(t, nil)
	c := s.channel(func(o *email.Options) {
		dial := elsewhere(s.port())
		o.TLS = email.TLSNone
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return tearing{conn}, err
		}
	})
	_, err := c.Send(t.Context(), delivery())
	requireKind(t, channel.Temporary, err)
	require.Empty(t, s.received())
}

// A failingWrites connection refuses every write once now is true.
type failingWrites struct {
	net.Conn
	now *atomic.Bool
}

func (c failingWrites) Write(b []byte) (int, error) {
	if c.now.Load() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func TestAnswerThatTLSCannotReadIsUncertain(t *testing.T) {
	var s *server
	var failing atomic.Bool
	s = serve(t, func(step string, _ int) string {
		if step != "DOT" {
			return ""
		}
		failing.Store(true) // so TLS cannot send its alert
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.open {
			_, _ = c.Write([]byte("no record of TLS\r\n"))
		}
		return silence
	})
	c := s.channel(func(o *email.Options) {
		dial := elsewhere(s.port())
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return failingWrites{conn, &failing}, err
		}
	})
	_, err := c.Send(t.Context(), delivery())
	requireKind(t, channel.Uncertain, err)
	require.Len(t, s.received(), 1)
}

func TestCutOfImplicitTLSIsTemporary(t *testing.T) {
	for _, how := range []string{cut, silence} {
		t.Run(how, func(t *testing.T) {
			s := newServer(t, on("HANDSHAKE", how))
			s.implicit = true
			s.start()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := s.channel(func(o *email.Options) { o.TLS = email.TLSImplicit }).Send(ctx, delivery())
			requireKind(t, channel.Temporary, err)
		})
	}
}

func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := portOf(l.Addr())
	require.NoError(t, l.Close())
	_, err = email.New("127.0.0.1", from, &email.Options{Port: port}).Send(t.Context(), delivery())
	requireKind(t, channel.Temporary, err)
}

func TestEndlessAnswerIsCutOff(t *testing.T) {
	for _, step := range []string{"CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"} {
		t.Run(step, func(t *testing.T) {
			s := serve(t, on(step, strings.Repeat("250-and another thing\r\n", 100_000)+"250 so much for that"))
			_, err := s.channel().Send(t.Context(), delivery())
			requireKind(t, kindAt(step), err)
		})
	}
}

func TestPeerIsNoMailServer(t *testing.T) {
	s := serve(t, on("CONNECT", "HTTP/1.1 400 "+password))
	_, err := s.channel().Send(t.Context(), delivery())
	requireKind(t, channel.Temporary, err)
}

func TestFailureAfterTheMailWasTakenIsNone(t *testing.T) {
	for _, step := range []string{"RSET", "QUIT", "NOOP"} {
		for _, how := range []string{"500 5.5.1 unknown", "421 4.3.2 going down", cut, silence} {
			t.Run(step+" "+how, func(t *testing.T) {
				s := serve(t, on(step, how))
				c := s.channel()
				_, err := c.Send(t.Context(), delivery())
				require.NoError(t, err)
				start := time.Now()
				require.NoError(t, c.Close())
				require.Less(t, time.Since(start), 5*time.Second)
				require.Len(t, s.received(), 1)
			})
		}
	}
}

func TestReplies(t *testing.T) {
	tests := map[string]struct {
		step, answer string
		want         channel.Kind
		code         string
		wait         time.Duration
	}{
		"server too busy to greet":      {"CONNECT", "421 4.3.2 too busy", channel.Temporary, "421 4.3.2", 0},
		"server does not want us":       {"CONNECT", "554 5.7.1 go away", channel.Misconfigured, "554 5.7.1", 0},
		"too many connections":          {"CONNECT", "421 4.7.0 too many connections from 192.0.2.1", channel.RateLimited, "421 4.7.0", time.Minute},
		"TLS not now":                   {"STARTTLS", "454 4.7.0 TLS not available", channel.Temporary, "454 4.7.0", 0},
		"TLS refused":                   {"STARTTLS", "501 no", channel.Misconfigured, "501", 0},
		"wrong password":                {"AUTH", "535 5.7.8 ann@example.com: correct horse is wrong", channel.Misconfigured, "535 5.7.8", 0},
		"login mechanism too weak":      {"AUTH", "534 5.7.9 too weak", channel.Misconfigured, "534 5.7.9", 0},
		"login server down":             {"AUTH", "454 4.7.0 Temporary authentication failure", channel.Temporary, "454 4.7.0", 0},
		"login attempts throttled":      {"AUTH", "454 4.7.0 Too many login attempts", channel.RateLimited, "454 4.7.0", time.Minute},
		"login needed":                  {"MAIL", "530 5.7.0 Authentication required", channel.Misconfigured, "530 5.7.0", 0},
		"sender not ours":               {"MAIL", "553 5.7.1 shop@example.com is not owned by you", channel.Misconfigured, "553 5.7.1", 0},
		"sender throttled":              {"MAIL", "450 4.7.0 slow down", channel.RateLimited, "450 4.7.0", time.Minute},
		"sender throttled with a wait":  {"MAIL", "421 4.7.0 rate limit, try again in 90 seconds", channel.RateLimited, "421 4.7.0", 90 * time.Second},
		"mail too large by its size":    {"MAIL", "552 5.3.4 too large", channel.Rejected, "552 5.3.4", 0},
		"greylisted":                    {"RCPT", "450 4.7.1 come back later", channel.Temporary, "450 4.7.1", 5 * time.Minute},
		"greylisted in words":           {"RCPT", "450 4.2.0 ann@example.com: Greylisted", channel.Temporary, "450 4.2.0", 5 * time.Minute},
		"greylisted for a while":        {"RCPT", "451 4.7.1 Greylisted for 300 seconds", channel.Temporary, "451 4.7.1", 300 * time.Second},
		"recipient throttled":           {"RCPT", "450 4.7.0 not so fast", channel.Temporary, "450 4.7.0", 0},
		"mailbox full for now":          {"RCPT", "452 4.2.2 full", channel.Temporary, "452 4.2.2", 0},
		"mailbox busy":                  {"RCPT", "450 busy", channel.Temporary, "450", 0},
		"no such user":                  {"RCPT", "550 5.1.1 <ann@example.com>: no such user", channel.InvalidRecipient, "550 5.1.1", 0},
		"no such domain":                {"RCPT", "550 5.1.2 bad host", channel.InvalidRecipient, "550 5.1.2", 0},
		"domain takes no mail":          {"RCPT", "556 5.1.10 null MX", channel.InvalidRecipient, "556 5.1.10", 0},
		"mailbox disabled":              {"RCPT", "550 5.2.1 disabled", channel.InvalidRecipient, "550 5.2.1", 0},
		"no such user, code alone":      {"RCPT", "550 Unrouteable address", channel.InvalidRecipient, "550", 0},
		"no such user, at Outlook":      {"RCPT", "550 5.5.0 Requested action not taken: mailbox unavailable", channel.InvalidRecipient, "550 5.5.0", 0},
		"no such user, multi-line":      {"RCPT", "550-5.1.1 The email account that you tried\r\n550 5.1.1 does not exist", channel.InvalidRecipient, "550 5.1.1", 0},
		"user elsewhere":                {"RCPT", "551 user not local", channel.InvalidRecipient, "551", 0},
		"mailbox full":                  {"RCPT", "552 5.2.2 full", channel.Unreachable, "552 5.2.2", 0},
		"mailbox full, code alone":      {"RCPT", "552 exceeded storage allocation", channel.Unreachable, "552", 0},
		"relaying denied":               {"RCPT", "550 relay not permitted", channel.Rejected, "550", 0},
		"policy":                        {"RCPT", "554 5.7.1 blocked using a list", channel.Rejected, "554 5.7.1", 0},
		"sender unknown, told late":     {"RCPT", "550 5.1.8 bad sender", channel.Misconfigured, "550 5.1.8", 0},
		"syntax":                        {"RCPT", "501 5.5.4 what", channel.Rejected, "501 5.5.4", 0},
		"daily quota of the account":    {"RCPT", "550 5.4.5 Daily sending quota exceeded", channel.RateLimited, "550 5.4.5", time.Hour},
		"no data now":                   {"DATA", "451 4.3.0 queue", channel.Temporary, "451 4.3.0", 0},
		"no data ever":                  {"DATA", "554 5.5.1 no valid recipients", channel.Rejected, "554 5.5.1", 0},
		"spam":                          {"DOT", "554 5.7.1 It arrives tomorrow before noon. is spam", channel.Rejected, "554 5.7.1", 0},
		"DMARC":                         {"DOT", "550 5.7.26 unauthenticated", channel.Rejected, "550 5.7.26", 0},
		"too large in the end":          {"DOT", "552 message too big", channel.Rejected, "552", 0},
		"disk full":                     {"DOT", "452 4.3.1 insufficient storage", channel.Temporary, "452 4.3.1", 0},
		"mailbox gone in the end":       {"DOT", "550 5.1.1 gone", channel.InvalidRecipient, "550 5.1.1", 0},
		"sending rate, at Amazon":       {"DOT", "454 Throttling failure: Maximum sending rate exceeded.", channel.RateLimited, "454", time.Minute},
		"going down with the mail":      {"DOT", "421 4.3.2 shutting down", channel.Temporary, "421 4.3.2", 0},
		"an answer that is none":        {"DOT", "What?", channel.Uncertain, "", 0},
		"an answer of another class":    {"DOT", "334 go on", channel.Uncertain, "", 0},
		"an answer of another class, 2": {"RCPT", "354 go on", channel.Temporary, "", 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, on(test.step, test.answer))
			_, err := s.channel(login).Send(t.Context(), delivery())
			requireKind(t, test.want, err)
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.code, e.Code)
			require.Equal(t, test.wait, e.RetryAfter)
			require.False(t, strings.Contains(e.Error(), "ann@") || strings.Contains(e.Error(), "noon"))
		})
	}
}

func portOf(a net.Addr) int { return a.(*net.TCPAddr).Port }
