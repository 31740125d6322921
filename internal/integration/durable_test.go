package integration_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestDurablePage acts as a visitor of the page: it buys, kills the shop, and sees another process send the remaining mails.
func TestDurablePage(t *testing.T) {
	browser := newBrowser(t)
	url := startDurable(t)
	try := func(steps ...chromedp.Action[chromedp.Void]) error {
		ctx, cancel := context.WithTimeout(browser, 20*time.Second)
		defer cancel()
		return chromedp.Do(ctx, steps...)
	}
	open := chromedp.Steps(chromedp.EmulateViewport(1100, 960), chromedp.Navigate(url), chromedp.WaitVisible(chromedp.CSS("#process[data-pid]")))
	if err := try(open); err != nil { // a browser that has just started may lose its first page
		t.Log("the page is opened again:", err)
		require.NoError(t, try(open))
	}
	if err := try(
		chromedp.Click(chromedp.CSS(`[data-times="50"]`)), chromedp.WaitVisible(chromedp.CSS("#orders i:nth-of-type(40)")),
		chromedp.Click(chromedp.CSS(".kill")), chromedp.WaitVisible(chromedp.CSS("#process[data-took]")),
	); err != nil {
		page, _ := chromedp.Run(browser, chromedp.Evaluate[string](`document.body.innerText`))
		require.NoError(t, err, "the page shows: %s", page)
	}

	arrived := func() bool {
		done, err := chromedp.Run(browser, chromedp.Evaluate[bool](`+$("n-orders").textContent >= 40 && $("n-missing").textContent === "0"`))
		return err == nil && done
	}
	require.Eventually(t, arrived, 30*time.Second, 100*time.Millisecond, "every order's mail arrives")
}

// startDurable starts the example and returns its URL. The example ends with t.
func startDurable(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := free.Addr().String()
	require.NoError(t, free.Close())
	start(t, example(t, "durable", "-addr", addr, "-db", filepath.Join(t.TempDir(), "shop.db")))
	require.Eventually(t, func() bool {
		answer, err := http.Get("http://" + addr)
		if err == nil {
			answer.Body.Close()
		}
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	return "http://" + addr
}
