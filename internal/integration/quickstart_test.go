package integration_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestQuickstartPage acts as a new user: it starts the quickstart, opens the page, sends, makes a peer fail, and sends again.
func TestQuickstartPage(t *testing.T) {
	browser := newBrowser(t)
	url := startQuickstart(t)
	try := func(steps ...chromedp.Action[chromedp.Void]) error {
		ctx, cancel := context.WithTimeout(browser, 15*time.Second)
		defer cancel()
		return chromedp.Do(ctx, steps...)
	}
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := try(steps...); err != nil {
			page, _ := chromedp.Run(browser, chromedp.Evaluate[string](`document.body.innerText`))
			require.NoError(t, err, "the page shows: %s", page)
		}
	}

	open := chromedp.Steps(chromedp.EmulateViewport(1200, 900), chromedp.Navigate(url),
		chromedp.WaitVisible(chromedp.CSS("#socket.open")), chromedp.WaitVisible(chromedp.CSS(".arrival:nth-of-type(4)")))
	if err := try(open); err != nil { // a browser that has just started may lose its first page
		t.Log("the page is opened again:", err)
		do(open)
	}

	title := "Ihr Tisch ist frei <b>für zwei</b>"
	do(chromedp.SetValue(chromedp.CSS(`[name=title]`), title), chromedp.Click(chromedp.CSS("button")), chromedp.WaitVisible(chromedp.CSS(".toast")))
	toast, err := chromedp.Run(browser, chromedp.Text(chromedp.CSS(".toast b")))
	require.NoError(t, err)
	require.Equal(t, title, toast, "the push reached this page, and is no HTML")
	do(chromedp.WaitVisible(chromedp.CSS(".arrival:nth-of-type(8)")), chromedp.WaitVisible(chromedp.CSS("#report tr:nth-of-type(5) .good")))

	// Of three channels, the first is throttled and the second refuses, so that the dispatcher "first" succeeds on the third.
	do(chromedp.Click(chromedp.CSS("#channel-page")),
		chromedp.SetValue(chromedp.CSS("#channels .row:nth-child(2) select"), "throttles"), dispatch("#channels .row:nth-child(2) select"),
		chromedp.SetValue(chromedp.CSS("#channels .row:nth-child(3) select"), "refuses"), dispatch("#channels .row:nth-child(3) select"),
		chromedp.SetValue(chromedp.CSS("[name=dispatcher]"), "first"), chromedp.Click(chromedp.CSS("button")),
		chromedp.WaitVisible(chromedp.CSS("#report tr:nth-of-type(4) .good")))
	report, err := chromedp.Run(browser, chromedp.Text(chromedp.CSS("#report")))
	require.NoError(t, err)
	require.Regexp(t, `(?s)email\s+failed.*sms\s+failed.*dingtalk\s+sent`, report)

	shot, err := chromedp.Run(browser, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll("../../.cache", 0o755))
	require.NoError(t, os.WriteFile("../../.cache/quickstart.png", shot, 0o644))
}

// dispatch fires the change event of a select, as a choice by hand does.
func dispatch(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](`document.querySelector("` + selector + `").dispatchEvent(new Event("change"))`)
}

// startQuickstart starts the example and returns the URL that the example prints. The example ends with t.
func startQuickstart(t *testing.T) string {
	t.Helper()
	cmd := example(t, "quickstart", "-addr", "127.0.0.1:0")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	start(t, cmd)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if url := regexp.MustCompile(`http://\S+`).FindString(lines.Text()); url != "" {
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			return url
		}
	}
	t.Fatal("the quickstart printed no address")
	return ""
}
