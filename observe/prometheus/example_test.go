package prometheus_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel/channeltest"
	observe "github.com/e7ddda3c/notify/observe/prometheus"
)

// The metrics of a Notifier are served with the program's own.
func Example() {
	reg := prometheus.NewRegistry()
	observer, err := observe.New(reg, nil) // with a store: &observe.Options{Store: st}
	if err != nil {
		log.Fatal(err)
	}
	n, err := notify.New(notify.Config{
		Channels:     notify.Channels{"email": &channeltest.Recorder{}},
		OnTransition: observer.Observe,
	})
	if err != nil {
		log.Fatal(err)
	}
	metrics := promhttp.HandlerFor(reg, promhttp.HandlerOpts{}) // serve it as /metrics

	ctx := context.Background()
	if _, err := n.Send(ctx, notify.Message{To: notify.To("email", "ann@example.com"), Content: notify.Content{Text: "Hello"}}); err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(scrape(metrics)) {
		if strings.HasPrefix(line, "notify_attempts_total") || strings.HasPrefix(line, "notify_delivery_duration_seconds_count") {
			fmt.Print(line)
		}
	}
	// Output:
	// notify_attempts_total{channel="email",class="transactional",result="ok"} 1
	// notify_delivery_duration_seconds_count{channel="email",class="transactional"} 1
}

func scrape(h http.Handler) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}
