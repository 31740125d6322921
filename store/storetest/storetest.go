// Package storetest holds the conformance suite for stores: what every implementation of [store.Deliveries] must do, one subtest a rule.
// A failure prints the rule that was broken.
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(*testing.T) store.Deliveries { return memory.New() })
//	}
//
//	func TestModel(t *testing.T) {
//		storetest.Model(t, func(*testing.T) store.Deliveries { return memory.New() }, 1, 1000)
//	}
//
// [Run] goes through the rules one by one, and [Model] compares a store with a simple model of one after each of many random
// operations. The optional ports, [store.Schedules], [store.Pauses] and [store.Suppressions], are tested if the store has them.
//
// Run under -race. The suite waits for real time only where a lease or a pause has to pass on the store's own clock.
package storetest

import (
	"reflect"
	"testing"
	"time"

	"github.com/e7ddda3c/notify/store"
)

// Run tests the stores that open returns, a subtest for each rule. Open is called for each rule and returns a store with nothing in it;
// what closes it is registered with t.Cleanup.
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

// try runs one rule of a topic as a subtest.
func try(t *testing.T, open func(t *testing.T) store.Deliveries, topic *topic, no int, patience time.Duration) {
	rule := topic.rules[no]
	t.Run(rule.name, func(t *testing.T) {
		rule.name = topic.name + "/" + rule.name
		r := &run{T: t, rule: &rule, store: open(t), patience: patience}
		rule.test(r)
	})
}

// A rule is one thing that holds for every store.
type rule struct {
	name string // of the subtest
	says string
	test func(*run)
}

// with tests stores that have the port P.
func with[P any](test func(*run, P)) func(*run) {
	return func(r *run) {
		s, ok := r.store.(P)
		if !ok {
			r.Skipf("storetest: the store has no %s", reflect.TypeFor[P]().Name())
		}
		test(r, s)
	}
}

// A topic is a part of the port.
type topic struct {
	name  string
	rules []rule
}

// The topics, in the order in which they run: the simple ones first, since the others stand on them.
var topics = []topic{
	{"accept", acceptRules},
	{"key", keyRules},
	{"lease", leaseRules},
	{"group", groupRules},
	{"settle", settleRules},
	{"meanwhile", meanwhileRules},
	{"extend", extendRules},
	{"receipt", receiptRules},
	{"change", changeRules},
	{"list", listRules},
	{"count and prune", countRules},
	{"context", endedRules},
	{"at once", concurrentRules},
	{"schedule", scheduleRules},
	{"pause", pauseRules},
	{"suppression", suppressionRules},
}

// clock is a rule that all others watch.
var clock = &rule{name: "clock", says: "all times are the store's clock, in whole microseconds and UTC"}
