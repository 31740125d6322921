package integration_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/env"
)

func TestBrowserRunsAPage(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(`<!doctype html><title>t</title><p id="said"></p><script>said.textContent = "你好"</script>`))
	}))
	t.Cleanup(page.Close)

	browser := newBrowser(t)
	require.NoError(t, chromedp.Do(browser, chromedp.Navigate(page.URL)))
	said, err := chromedp.Run(browser, chromedp.Text("#said"))
	require.NoError(t, err)
	require.Equal(t, "你好", said)
}

// newBrowser starts a headless browser with an empty profile and returns its first tab. The browser ends with t, or after a minute.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(env.Need(t, "NOTIFY_CHROMIUM")),
		chromedp.NoSandbox, // tests may run as root, for whom the sandbox does not work
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx), "the browser does not start") // the browser ends with the ctx of its first step
	return ctx
}
