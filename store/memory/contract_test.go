package memory_test

import (
	"testing"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/memory"
	"github.com/e7ddda3c/notify/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Deliveries { return memory.New() })
}
