package sqlstore_test

import (
	"testing"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/storetest"
)

func TestContract(t *testing.T) {
	for name, d := range databases {
		t.Run(name, func(t *testing.T) {
			open := d.many(t)
			storetest.Run(t, func(t *testing.T) store.Deliveries { return open(t) })
		})
	}
}

func TestModel(t *testing.T) {
	for name, d := range databases {
		t.Run(name, func(t *testing.T) {
			open := d.many(t)
			for seed := range uint64(3) {
				storetest.Model(t, func(t *testing.T) store.Deliveries { return open(t) }, seed, 200)
			}
		})
	}
}
