package otel_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel/channeltest"
	observe "github.com/e7ddda3c/notify/observe/otel"
)

// Metrics and spans go to the same providers as the program's own.
func Example() {
	spans := tracetest.NewInMemoryExporter() // in production: an exporter to your collector, and a MeterProvider
	observer, err := observe.New(&observe.Options{
		TracerProvider: trace.NewTracerProvider(trace.WithSyncer(spans)),
	}) // with a store: Store: st
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

	ctx := context.Background()
	if _, err := n.Send(ctx, notify.Message{To: notify.To("email", "ann@example.com"), Content: notify.Content{Text: "Hello"}}); err != nil {
		log.Fatal(err)
	}
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name, span.SpanKind, span.Status.Code)
	}
	// Output: send email client Unset
}
