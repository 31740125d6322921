package notify_test

import (
	"bytes"
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
)

// private stands in all data that logs must not have: addresses, content, data of messages, and the words of drivers.
const private = "TOPSECRET"

// The keys of attributes in log lines. Their values are ids, constants, counts, times and errors of a store.
var attributes = []string{"again_in", "channel", "code", "count", "delivery", "dispatcher", "due", "error", "for", "in", "kind", "message", "schedule", "stack", "tenant", "type"}

// leaky returns a driver with private words in its receipts, errors and panics. If act is not nil, a call begins with act.
func leaky(answer error, act func(channel.Delivery)) *closer {
	c := &closer{close: func() error { panic(errors.New(private)) }}
	c.send = func(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
		if act != nil {
			act(d)
		}
		return channel.Receipt{ID: private, Code: private}, answer
	}
	return c
}

func leaks(k channel.Kind) error {
	return &channel.Error{Kind: k, Field: private, Err: errors.New(private)}
}

// leakyConfig has parts that fail, each in another way, with private words. The directory fails from its second call on.
func leakyConfig(log *slog.Logger, s store.Deliveries) notify.Config {
	var lookups atomic.Int64
	return notify.Config{
		Store: s,
		Channels: notify.Channels{
			"fine":      leaky(nil, nil),
			"temporary": leaky(leaks(channel.Temporary), nil),
			"uncertain": leaky(leaks(channel.Uncertain), nil),
			"throttled": leaky(leaks(channel.RateLimited), nil),
			"broken":    leaky(leaks(channel.Misconfigured), nil),
			"invalid":   leaky(leaks(channel.InvalidRecipient), nil),
			"unclassed": leaky(errors.New(private), nil),
			"panicking": leaky(nil, func(d channel.Delivery) { panic(d.To + d.Content.Text + private) }),
			"hanging":   leaky(nil, func(channel.Delivery) { time.Sleep(time.Minute) }),
		},
		Policies: map[string]notify.Policy{"": {Attempts: 3}},
		Directory: directoryFunc(func(ids []string) ([]notify.Recipient, error) {
			if lookups.Add(1) > 1 {
				panic(ids[0])
			}
			return []notify.Recipient{{ID: ids[0], Addresses: map[string][]string{"fine": {private}}}}, nil
		}),
		Dispatchers: map[string]notify.Dispatcher{"panicking": fakeDispatcher{
			next:    func(_ time.Time, ds []notify.Progress) []notify.Step { panic(ds[0].To) },
			reached: notify.All().Reached,
		}},
		OnOutcome:    func(o notify.Outcome) { panic(o.To) },
		OnTransition: func(notify.Transition) { panic(private) },
		Logger:       log,
	}
}

// privateMessages returns messages with private words in all fields, one for each channel and one for the dispatcher.
func privateMessages(c notify.Config) []notify.Message {
	var ms []notify.Message
	for name := range c.Channels {
		ms = append(ms, notify.Message{
			To:       []notify.Recipient{{ID: private, Addresses: map[string][]string{name: {private + "@example.com"}}}},
			Channels: []string{name}, Content: notify.Content{Title: private, Text: private, HTML: private},
			Extra: map[string]any{name: private}, Attachments: []notify.Attachment{{Name: private, Data: []byte(private)}},
		})
	}
	to := map[string][]string{"fine": {private}, "temporary": {private}}
	return append(ms, notify.Message{
		To: []notify.Recipient{{ID: private, Addresses: to}}, Dispatcher: "panicking", Content: notify.Content{Text: private},
	})
}

func TestLogsTellNothingPrivate(t *testing.T) {
	tests := map[string]struct {
		open func() store.Deliveries
		says []string
	}{
		"without a store": {
			func() store.Deliveries { return nil },
			[]string{"panic", "channel paused", "driver ignores its deadline", "dispatcher left a delivery without a next step"},
		},
		"with a store": {
			func() store.Deliveries { return memory.New() },
			[]string{"panic", "channel paused", "driver ignores its deadline", "dispatcher does not answer", "cannot accept a scheduled message"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				c := leakyConfig(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), tt.open())
				n, err := notify.New(c)
				require.NoError(t, err)
				stop := func() {}
				if c.Store != nil {
					stop = running(t, n)
					schedule(t, n)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				for _, m := range privateMessages(c) {
					_, _ = n.Send(ctx, m)
				}
				time.Sleep(10 * time.Minute)
				stop()
				_ = n.Close(t.Context())
				for _, text := range tt.says {
					require.Contains(t, log.String(), `"msg":"`+text)
				}
				require.NotContains(t, log.String(), private)
			})
		})
	}
}

// schedule stores a schedule with a private message for each minute. The first one is accepted, and the others fail in the directory.
func schedule(t *testing.T, n *notify.Notifier) {
	t.Helper()
	require.NoError(t, n.Schedule(t.Context(), notify.Schedule{Name: "newsletter", Cron: "* * * * *", Message: notify.Message{
		To: notify.Users(private), Channels: []string{"fine"}, Content: notify.Content{Text: private},
	}}))
}

// Every log line has a constant text, so that operators can search for it, and keys from a short list, so that no data slips in.
func TestLogLinesAreConstant(t *testing.T) {
	lines := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "examples" || path == "bench" || strings.HasPrefix(path, ".") && path != "."):
			return filepath.SkipDir
		case entry.IsDir(), !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			switch {
			case ok && logs(call.Fun):
				lines++
				requireText(t, path, call.Args[0])
				requireKeys(t, path, call.Args[1:])
			case ok && isMethod(call.Fun, "With"):
				requireKeys(t, path, call.Args)
			}
			return true
		})
		return nil
	}))
	require.Greater(t, lines, 10, "few log lines were found: the search is broken")
}

// logs reports whether f looks like a function that writes a log line.
func logs(f ast.Expr) bool {
	name, ok := f.(*ast.Ident)
	return ok && name.Name == "log" ||
		isMethod(f, "Debug", "Info", "Warn", "Error", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "Log", "LogAttrs")
}

// isMethod reports whether f looks like one of the methods of a logger: of a variable, a field or the result of a function whose name begins
// with log.
func isMethod(f ast.Expr, names ...string) bool {
	method, ok := f.(*ast.SelectorExpr)
	if !ok || !slices.Contains(names, method.Sel.Name) {
		return false
	}
	of := method.X
	if call, ok := of.(*ast.CallExpr); ok {
		of = call.Fun
	}
	switch of := of.(type) {
	case *ast.Ident:
		return strings.HasPrefix(of.Name, "log")
	case *ast.SelectorExpr:
		return strings.HasPrefix(strings.ToLower(of.Sel.Name), "log")
	}
	return false
}

func requireText(t *testing.T, path string, text ast.Expr) {
	t.Helper()
	_, ok := text.(*ast.BasicLit)
	require.True(t, ok, "%s: the text of a log line must be constant", path)
}

func requireKeys(t *testing.T, path string, args []ast.Expr) {
	t.Helper()
	for i := 0; i < len(args); i += 2 {
		key, ok := args[i].(*ast.BasicLit)
		require.True(t, ok, "%s: the keys of a log line must be constant", path)
		name, err := strconv.Unquote(key.Value)
		require.NoError(t, err)
		require.Contains(t, attributes, name, path)
	}
}
