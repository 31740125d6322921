package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"
)

// leg is the duration of a contender's turn: long compared with the resolution of the clock, short compared with the load changes
// of a busy machine.
const leg = 20 * time.Millisecond

// fewestRounds is the minimum number of rounds in a race, even if they exceed the budget.
const fewestRounds = 3

// A contender is one way to do the work that a race measures.
type contender struct {
	name string
	do   func() error // does the work once
	// once replaces do for work that needs preparation. It prepares and does the work, and returns the time of the work alone. Each
	// leg is a single call.
	once   func() (time.Duration, error)
	count  int // the units of work per call, by which times are divided; 0 means 1
	rounds int // the number of rounds to take part in, from the first; 0 means all
}

// A race holds the times of contenders that took turns: the seconds of each per unit of work, by round. A disturbance of the
// machine that lasts longer than a leg affects all contenders.
type race struct {
	names   []string
	seconds map[string][]float64
}

// run lets the contenders take turns until the budget is spent. Each round begins with a different contender. Each leg begins with
// a garbage collection, so that no contender pays for another's garbage.
func run(budget time.Duration, progress io.Writer, contenders []contender) (race, error) {
	r := race{seconds: make(map[string][]float64)}
	times := make([]int, len(contenders))
	for i, c := range contenders {
		r.names = append(r.names, c.name)
		var err error
		if times[i], err = fill(c); err != nil {
			return race{}, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	defer dots(progress)()
	for begin, round := time.Now(), 0; round < fewestRounds || time.Since(begin) < budget; round++ {
		for turn := range contenders {
			i := (round + turn) % len(contenders)
			c := contenders[i]
			if c.rounds > 0 && round >= c.rounds {
				continue
			}
			took, err := c.leg(times[i])
			if err != nil {
				return race{}, fmt.Errorf("%s: %w", c.name, err)
			}
			r.seconds[c.name] = append(r.seconds[c.name], took.Seconds()/float64(times[i]*max(c.count, 1)))
		}
	}
	return r, nil
}

// dots prints a dot per second until stop is called. Its timer also steadies the results: without a running timer, each deadline
// that a contender sets would be the next to expire, and the runtime sometimes wakes a thread for that one. Most programs have
// timers running.
func dots(w io.Writer) (stop func()) {
	ticker := time.NewTicker(time.Second)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ticker.C:
				fmt.Fprint(w, ".")
			case <-done:
				return
			}
		}
	})
	return func() {
		ticker.Stop()
		close(done)
		wg.Wait()
	}
}

// fill warms c up and returns the number of repetitions that fill a leg.
func fill(c contender) (times int, err error) {
	if c.once != nil {
		return 1, nil
	}
	for times = 1; ; times *= 2 {
		if took, err := c.leg(times); err != nil || took >= leg {
			return times, err
		}
	}
}

func (c contender) leg(times int) (time.Duration, error) {
	runtime.GC()
	if c.once != nil {
		return c.once()
	}
	begin := time.Now()
	for range times {
		if err := c.do(); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

// of returns the times of a contender, in seconds.
func (r race) of(name string) spread { return spreadOf(slices.Clone(r.seconds[name])) }

// ratio returns the time of a divided by that of b. It is computed within each round, from two measurements close in time.
func (r race) ratio(a, b string) spread {
	ratios := make([]float64, min(len(r.seconds[a]), len(r.seconds[b])))
	for i := range ratios {
		ratios[i] = r.seconds[a][i] / r.seconds[b][i]
	}
	return spreadOf(ratios)
}

// A spread is the median of many values, between their quartiles.
type spread struct{ low, mid, high float64 }

// spreadOf sorts values and returns their spread.
func spreadOf(values []float64) spread {
	slices.Sort(values)
	return spread{quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)}
}

// quantile returns the q-quantile of sorted, interpolated between two values.
func quantile(sorted []float64, q float64) float64 {
	x := q * float64(len(sorted)-1)
	i := int(x)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (x-float64(i))*(sorted[i+1]-sorted[i])
}

// exactly returns the spread of a value that does not vary.
func exactly(v float64) spread { return spread{v, v, v} }
