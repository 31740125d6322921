package faulttest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/faulttest"
	"github.com/e7ddda3c/notify/store"
)

func TestMain(m *testing.M) {
	faulttest.Play(map[string]faulttest.Role{"noter": noter, "failing": failing})
	os.Exit(m.Run())
}

// noter adds entries to the ledger without a pause until ctx is done.
func noter(ctx context.Context) error {
	l, err := faulttest.OpenLedger(os.Getenv("LEDGER"))
	if err != nil {
		return err
	}
	bomb := faulttest.NewBomb()
	for i := 0; ctx.Err() == nil; i++ {
		bomb.At("note before")
		if err := l.Note(faulttest.Entry{Kind: "note", ID: fmt.Sprint(i)}); err != nil {
			return err
		}
	}
	return l.Note(faulttest.Entry{Kind: "stopped"})
}

func failing(context.Context) error { return errors.New("as it should") }

func ledger(t *testing.T) (l *faulttest.Ledger, variable string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := faulttest.OpenLedger(path)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l, "LEDGER=" + path
}

func read(t *testing.T, l *faulttest.Ledger) []faulttest.Entry {
	t.Helper()
	es, _, err := l.Read(0)
	require.NoError(t, err)
	return es
}

// await waits until the ledger has n entries.
func await(t *testing.T, l *faulttest.Ledger, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(read(t, l)) >= n }, 30*time.Second, time.Millisecond)
}

func TestLedgerKeepsWhatWasNotedBeforeAKill(t *testing.T) {
	l, variable := ledger(t)
	p := faulttest.Start(t, "noter", variable)
	pids := []int{p.PID()}
	for range 3 {
		await(t, l, len(read(t, l))+100)
		p.Kill()
		<-p.Ended()
		p.Restart()
		pids = append(pids, p.PID())
	}
	await(t, l, len(read(t, l))+100)
	require.NoError(t, p.Stop(t.Context()))

	es := read(t, l)
	require.Equal(t, "stopped", es[len(es)-1].Kind)
	next := make(map[int]int)
	for _, e := range es[:len(es)-1] {
		require.Contains(t, pids, e.PID)
		require.Equal(t, fmt.Sprint(next[e.PID]), e.ID, "none is missing")
		next[e.PID]++
	}
	require.Len(t, next, 4)
}

func TestLedgerIsReadAsItGrows(t *testing.T) {
	l, _ := ledger(t)
	require.NoError(t, l.Note(faulttest.Entry{Kind: "a", Text: "tab\tand\nline"}, faulttest.Entry{Kind: "b"}))
	es, next, err := l.Read(0)
	require.NoError(t, err)
	require.Len(t, es, 2)
	require.Equal(t, "tab\tand\nline", es[0].Text)
	require.Equal(t, os.Getpid(), es[0].PID)
	require.NoError(t, l.Note(faulttest.Entry{Kind: "c"}))
	es, _, err = l.Read(next)
	require.NoError(t, err)
	require.Len(t, es, 1)
	require.Equal(t, "c", es[0].Kind)
}

func TestBombKillsAtItsPoint(t *testing.T) {
	l, variable := ledger(t)
	p := faulttest.Start(t, "noter", variable, faulttest.BombAt("note before", 8))
	<-p.Ended()
	require.Len(t, read(t, l), 7)
}

func TestProcessThatFailsSaysSo(t *testing.T) {
	for _, role := range []string{"failing", "unknown"} {
		p := faulttest.Start(t, role)
		<-p.Ended()
		require.ErrorContains(t, p.Stop(t.Context()), "exit status 1")
	}
}

// echo starts a server that answers each line with the same line. got returns the lines received.
func echo(t *testing.T) (addr string, got func() string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var mu sync.Mutex
	var all strings.Builder
	var working sync.WaitGroup
	working.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			working.Go(func() {
				defer c.Close()
				for lines := bufio.NewScanner(c); lines.Scan(); {
					mu.Lock()
					fmt.Fprintln(&all, lines.Text())
					mu.Unlock()
					fmt.Fprintln(c, lines.Text())
				}
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		working.Wait()
	})
	return listener.Addr().String(), func() string {
		mu.Lock()
		defer mu.Unlock()
		return all.String()
	}
}

func dial(t *testing.T, p *faulttest.Proxy) (ask func(line string) (string, error)) {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	answers := bufio.NewReader(c)
	return func(line string) (string, error) {
		if _, err := fmt.Fprintln(c, line); err != nil {
			return "", err
		}
		return answers.ReadString('\n')
	}
}

func TestProxy(t *testing.T) {
	faults := func(request []byte) faulttest.Fault {
		switch string(request) {
		case "lose request\n":
			return faulttest.CutBefore
		case "lose reply\n":
			return faulttest.CutAfter
		case "stall\n":
			return faulttest.Stall
		}
		return faulttest.Pass
	}
	open := func(t *testing.T) (*faulttest.Proxy, func() string) {
		addr, got := echo(t)
		p := faulttest.NewProxy(t, addr)
		p.Break(faults)
		return p, got
	}
	t.Run("passes on", func(t *testing.T) {
		p, got := open(t)
		answer, err := dial(t, p)("hello")
		require.NoError(t, err)
		require.Equal(t, "hello\n", answer)
		require.Equal(t, "hello\n", got())
	})
	t.Run("cuts before", func(t *testing.T) {
		p, got := open(t)
		_, err := dial(t, p)("lose request")
		require.Error(t, err)
		require.Empty(t, got())
	})
	t.Run("cuts after", func(t *testing.T) {
		p, got := open(t)
		_, err := dial(t, p)("lose reply")
		require.Error(t, err)
		require.Equal(t, "lose reply\n", got())
	})
	t.Run("stalls", func(t *testing.T) {
		p, got := open(t)
		answered := make(chan string)
		ask := dial(t, p)
		go func() {
			answer, _ := ask("stall")
			answered <- answer
		}()
		require.Eventually(t, func() bool { return got() == "stall\n" }, 10*time.Second, time.Millisecond)
		select {
		case <-answered:
			t.Fatal("a stalled request was answered")
		case <-time.After(50 * time.Millisecond):
		}
		p.Resume()
		require.Equal(t, "stall\n", <-answered)
	})
	t.Run("cuts all", func(t *testing.T) {
		p, _ := open(t)
		ask := dial(t, p)
		_, err := ask("hello")
		require.NoError(t, err)
		p.Cut()
		_, err = ask("hello")
		require.Error(t, err)
	})
	t.Run("refuses", func(t *testing.T) {
		p, _ := open(t)
		p.Refuse(true)
		_, err := dial(t, p)("hello")
		require.True(t, errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE), "%v", err)
		p.Refuse(false)
		_, err = dial(t, p)("hello")
		require.NoError(t, err)
	})
}

func TestServers(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *faulttest.Server{
		"postgres": faulttest.Postgres, "mariadb": faulttest.MariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			for range 2 {
				c, err := net.Dial("tcp", s.Addr())
				require.NoError(t, err)
				c.Close()
				s.Kill()
				_, err = net.Dial("tcp", s.Addr())
				require.Error(t, err, "the server is down")
				s.Restart()
			}
		})
	}
}

type settling struct{ store.Deliveries }

func (settling) SettleDeliveries(context.Context, []store.Settlement) ([]store.DeliveryRef, error) {
	return nil, nil
}

func TestWatchTellsPoints(t *testing.T) {
	var points []string
	w := faulttest.Watch(settling{}, func(point string) { points = append(points, point) })
	_, err := w.SettleDeliveries(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{faulttest.Settle + " before", faulttest.Settle + " after"}, points)
}
