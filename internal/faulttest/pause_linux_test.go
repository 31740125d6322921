package faulttest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/faulttest"
)

func TestPausedProcessDoesNothing(t *testing.T) {
	l, variable := ledger(t)
	p := faulttest.Start(t, "noter", variable)
	await(t, l, 10)
	p.Pause()
	var before int
	require.Eventually(t, func() bool { // the signal takes a moment to take effect
		last := before
		before = len(read(t, l))
		return last == before
	}, 10*time.Second, 50*time.Millisecond)
	p.Resume()
	await(t, l, before+10)
}
