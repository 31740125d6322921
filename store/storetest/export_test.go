package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// Rules returns the names of all rules.
func Rules() []string {
	names := []string{clock.name, "model"}
	for _, topic := range topics {
		for _, r := range topic.rules {
			names = append(names, topic.name+"/"+r.name)
		}
	}
	return names
}

// RunRule runs one of them, with little patience. The model goes on until it finds something.
func RunRule(t *testing.T, open func(t *testing.T) store.Deliveries, name string) {
	if name == "model" {
		Model(t, open, 1, 3000)
		return
	}
	for _, topic := range topics {
		for i, r := range topic.rules {
			if rest, ok := strings.CutPrefix(name, topic.name+"/"); ok && rest == r.name {
				try(t, open, &topic, i, time.Second)
				return
			}
		}
	}
	t.Fatalf("no rule %q", name)
}
