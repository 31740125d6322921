// Package storetest provides the conformance suite for stores: the rules that every implementation of [store.Deliveries] must keep, one
// subtest per rule. A failure prints the broken rule.
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(*testing.T) store.Deliveries { return memory.New() })
//	}
//
//	func TestModel(t *testing.T) {
//		storetest.Model(t, func(*testing.T) store.Deliveries { return memory.New() }, 1, 1000)
//	}
//
// [Run] tests the rules one by one. [Model] applies random operations to a store and to a simple model of a store, and compares the two
// after each. The optional ports, [store.Schedules], [store.Pauses] and [store.Suppressions], are tested if the store implements them.
//
// Run the suite under -race. The suite waits in real time only for leases and pauses to end on the store's clock.
package storetest

import (
	"reflect"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// Run tests a store, one subtest per rule. Every rule calls open once, which must return an empty store and close it with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) store.Deliveries) {
	t.Helper()
	for _, topic := range topics {
		t.Run(topic.name, func(t *testing.T) {
			for i := range topic.rules {
				try(t, open, &topic, i, minute)
			}
		})
	}
}

// try tests rule number no of a topic, as a subtest.
func try(t *testing.T, open func(t *testing.T) store.Deliveries, topic *topic, no int, patience time.Duration) {
	rule := topic.rules[no]
	t.Run(rule.name, func(t *testing.T) {
		rule.name = topic.name + "/" + rule.name
		r := &run{T: t, rule: &rule, store: open(t), patience: patience}
		rule.test(r)
	})
}

// A rule is a requirement on every store.
type rule struct {
	name string // the name of the subtest
	says string
	test func(*run)
}

// with returns a test that is skipped unless the store implements the port P.
func with[P any](test func(*run, P)) func(*run) {
	return func(r *run) {
		s, ok := r.store.(P)
		if !ok {
			r.Skipf("storetest: the store does not implement store.%s", reflect.TypeFor[P]().Name())
		}
		test(r, s)
	}
}

// A topic is a group of rules.
type topic struct {
	name  string
	rules []rule
}

// The topics in the order in which they run: the simple ones first, since the others build on them.
var topics = []topic{
	{"accept", acceptRules},
	{"key", keyRules},
	{"lease", leaseRules},
	{"group", groupRules},
	{"settle", settleRules},
	{"overtaken", overtakenRules},
	{"extend", extendRules},
	{"receipt", receiptRules},
	{"change", changeRules},
	{"list", listRules},
	{"count and prune", countRules},
	{"context", endedRules},
	{"concurrent", concurrentRules},
	{"schedule", scheduleRules},
	{"pause", pauseRules},
	{"suppression", suppressionRules},
}

// clock is a rule that the tests of all other rules check, too.
var clock = &rule{name: "clock", says: "all times are on the store's clock, in UTC and in whole microseconds"}
