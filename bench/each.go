package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// each calls f for 0 to n-1 from several goroutines. A goroutine stops at its first error.
func each(goroutines, n int, f func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, goroutines)
	for w := range goroutines {
		wg.Go(func() {
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				errs[w] = f(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// expect returns an error unless got equals want.
func expect(got, want int) error {
	if got != want {
		return fmt.Errorf("%d done, want %d", got, want)
	}
	return nil
}
