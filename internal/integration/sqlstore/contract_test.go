package sqlstore_test

import (
	"testing"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/storetest"
)

func TestContract(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) store.Deliveries { return open(t) })
		})
	}
}
