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

// What must never be logged has this word in it: addresses, content, data, and what drivers keep for themselves.
const private = "TOPSECRET"

// attributes are the keys that a log line may have. Their values are ids, words from lists, counts, times, and errors of a store.
var attributes = []string{"again_in", "channel", "code", "count", "delivery", "dispatcher", "due", "error", "for", "in", "kind", "message", "schedule", "stack", "tenant", "type"}

// A leak is a driver whose every word is private.
type leak struct {
	answer error
	panics bool
	hangs  time.Duration
}

func (l *leak) Send(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
	time.Sleep(l.hangs)
	if l.panics {
		panic(d.To + d.Content.Text + private)
	}
	return channel.Receipt{ID: private, Code: private}, l.answer
}

func (l *leak) Close() error { panic(errors.New(private)) }

func leaks(k channel.Kind) error {
	return &channel.Error{Kind: k, Field: private, Err: errors.New(private)}
}

// nosy is a dispatcher that panics with what it knows.
type nosy struct{ notify.Dispatcher }

func (nosy) Next(_ time.Time, ds []notify.Progress) []notify.Step { panic(ds[0].To) }

// directory panics with what it was asked for, but for the first time.
type directory struct{ calls atomic.Int64 }

func (d *directory) Recipients(_ context.Context, _ string, ids []string) ([]notify.Recipient, error) {
	if d.calls.Add(1) > 1 {
		panic(ids[0])
	}
	return []notify.Recipient{{ID: ids[0], Addresses: map[string][]string{"fine": {private}}}}, nil
}

// leaky returns what sends privately, and fails in every way there is.
func leaky(log *slog.Logger, s store.Deliveries) notify.Config {
	return notify.Config{
		Store: s,
		Channels: notify.Channels{
			"fine":      &leak{},
			"temporary": &leak{answer: leaks(channel.Temporary)},
			"uncertain": &leak{answer: leaks(channel.Uncertain)},
			"throttled": &leak{answer: leaks(channel.RateLimited)},
			"broken":    &leak{answer: leaks(channel.Misconfigured)},
			"invalid":   &leak{answer: leaks(channel.InvalidRecipient)},
			"unclassed": &leak{answer: errors.New(private)},
			"panicking": &leak{panics: true},
			"hanging":   &leak{hangs: time.Minute},
		},
		Policies:     map[string]notify.Policy{"": {Attempts: 3}},
		Directory:    &directory{},
		Dispatchers:  map[string]notify.Dispatcher{"nosy": nosy{notify.All()}},
		OnOutcome:    func(o notify.Outcome) { panic(o.To) },
		OnTransition: func(notify.Transition) { panic(private) },
		Logger:       log,
	}
}

// whispers are messages in which everything but the names of channels is private.
func whispers(c notify.Config) []notify.Message {
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
		To: []notify.Recipient{{ID: private, Addresses: to}}, Dispatcher: "nosy", Content: notify.Content{Text: private},
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
				c := leaky(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), tt.open())
				n, err := notify.New(c)
				require.NoError(t, err)
				stop := func() {}
				if c.Store != nil {
					stop = running(t, n)
					schedule(t, n)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				for _, m := range whispers(c) {
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

// schedule sends a private message every minute, which is accepted at first and then refused.
func schedule(t *testing.T, n *notify.Notifier) {
	t.Helper()
	require.NoError(t, n.Schedule(t.Context(), notify.Schedule{Name: "newsletter", Cron: "* * * * *", Message: notify.Message{
		To: notify.Users(private), Channels: []string{"fine"}, Content: notify.Content{Text: private},
	}}))
}

// Every log line has a constant text and keys from a short list, so that lines can be searched for, and nothing slips in.
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
	require.Greater(t, lines, 10, "it knows a log line when it sees one")
}

// logs reports whether f writes a log line, by its looks.
func logs(f ast.Expr) bool {
	name, ok := f.(*ast.Ident)
	return ok && name.Name == "log" ||
		isMethod(f, "Debug", "Info", "Warn", "Error", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "Log", "LogAttrs")
}

// isMethod reports whether f is a method, by its looks, of something that is called log, logger, or by a function logSomething.
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
	require.True(t, ok, "%s: a log line without a constant text", path)
}

func requireKeys(t *testing.T, path string, args []ast.Expr) {
	t.Helper()
	for i := 0; i < len(args); i += 2 {
		key, ok := args[i].(*ast.BasicLit)
		require.True(t, ok, "%s: the key of a log line that is no constant", path)
		name, err := strconv.Unquote(key.Value)
		require.NoError(t, err)
		require.Contains(t, attributes, name, path)
	}
}
