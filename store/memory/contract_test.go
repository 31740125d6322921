package memory_test

import (
	"fmt"
	"testing"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
	"github.com/e7ddda3c/notify/store/storetest"
)

func open(*testing.T) store.Deliveries { return memory.New() }

func TestContract(t *testing.T) {
	storetest.Run(t, open)
}

func TestModel(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { storetest.Model(t, open, seed, 500) })
	}
}
