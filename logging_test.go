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
	"strconv"
	"strings"
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
var attributes = []string{"again_in", "channel", "code", "count", "delivery", "dispatcher", "error", "for", "in", "kind", "message", "schedule", "stack", "tenant", "type"}

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
	panicking := ms[0]
	panicking.Dispatcher = "nosy"
	return append(ms, panicking)
}

func TestLogsTellNothingPrivate(t *testing.T) {
	tests := map[string]func() store.Deliveries{
		"without a store": func() store.Deliveries { return nil },
		"with a store":    func() store.Deliveries { return memory.New() },
	}
	for name, open := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				c := leaky(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), open())
				n, err := notify.New(c)
				require.NoError(t, err)
				stop := func() {}
				if c.Store != nil {
					stop = running(t, n)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				for _, m := range whispers(c) {
					_, _ = n.Send(ctx, m)
				}
				time.Sleep(time.Hour)
				stop()
				_ = n.Close(t.Context())
				requireClean(t, log.String())
			})
		})
	}
}

// requireClean holds log lines in JSON to the rule.
func requireClean(t *testing.T, log string) {
	t.Helper()
	require.Contains(t, log, `"panic"`)
	require.Contains(t, log, `"channel paused"`)
	require.Contains(t, log, `"driver ignores its deadline"`)
	require.NotContains(t, log, private)
}

// Every log line has a constant text and keys from a short list, so that lines can be searched for, and nothing slips in.
func TestLogLinesAreConstant(t *testing.T) {
	lines := 0
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "examples" || path == "bench" || path == "internal" || strings.HasPrefix(path, ".") && path != "."):
			return filepath.SkipDir
		case entry.IsDir(), !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			if call, ok := node.(*ast.CallExpr); ok && logs(call.Fun) {
				lines++
				requireConstant(t, path, call.Args)
			}
			return true
		})
		return nil
	}))
	require.Greater(t, lines, 10, "it knows a log line when it sees one")
}

// logs reports whether f is a method of a logger, by its looks.
func logs(f ast.Expr) bool {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name == "log"
	case *ast.SelectorExpr:
		switch f.Sel.Name {
		case "Debug", "Info", "Warn", "Error", "DebugContext", "InfoContext", "WarnContext", "ErrorContext", "Log", "LogAttrs":
			of, ok := f.X.(*ast.SelectorExpr)
			return ok && strings.EqualFold(strings.TrimSuffix(of.Sel.Name, "ger"), "log")
		}
	}
	return false
}

func requireConstant(t *testing.T, path string, args []ast.Expr) {
	t.Helper()
	text, ok := args[0].(*ast.BasicLit)
	require.True(t, ok, "%s: a log line without a constant text", path)
	for i := 1; i < len(args); i += 2 {
		key, ok := args[i].(*ast.BasicLit)
		require.True(t, ok, "%s: %s: a key that is no constant", path, text.Value)
		name, err := strconv.Unquote(key.Value)
		require.NoError(t, err)
		require.Contains(t, attributes, name, "%s: %s", path, text.Value)
	}
}
