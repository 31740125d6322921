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

// RunRule tests one rule, with little patience. The rule "model" runs many operations, to find a fault with certainty.
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
	t.Fatalf("unknown rule %q", name)
}
