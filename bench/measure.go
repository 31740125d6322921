package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"
)

// leg is how long a contender runs at a time: long beside the clock's steps, short beside the moods of a busy machine.
const leg = 20 * time.Millisecond

// fewestRounds is how many rounds a race has however little time there is.
const fewestRounds = 3

// A contender is one way of doing the work that a race is about.
type contender struct {
	name string
	do   func() error // the work, once
	// once is for work that must be prepared: it does both and times the work itself. It is never repeated to fill a leg.
	once   func() (time.Duration, error)
	count  int // how many things the work gets done; 0: 1. Times are for one thing.
	rounds int // only in so many rounds, the first ones; 0: in all
}

// A race is what came of contenders who took turns: the seconds that each needed for its work, by round. What disturbs the machine
// for longer than a leg disturbs them all.
type race struct {
	names   []string
	seconds map[string][]float64
}

// run lets the contenders take turns until the budget is spent. Each round begins with another of them, and each leg with a clean
// heap, so that nobody pays for what another left behind.
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

// dots prints a dot a second until it is stopped. Its timer has a second use: where none is running, each deadline that a contender
// sets would be the next one due, for which the runtime wakes a thread or not as it happens. Programs at large have timers running.
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

// fill warms c up and finds how many times its work fills a leg.
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

// of returns how long a contender needed, in seconds.
func (r race) of(name string) spread { return spreadOf(slices.Clone(r.seconds[name])) }

// ratio returns how many times as long as b a needed. It is taken between neighbours in time: within each round.
func (r race) ratio(a, b string) spread {
	ratios := make([]float64, min(len(r.seconds[a]), len(r.seconds[b])))
	for i := range ratios {
		ratios[i] = r.seconds[a][i] / r.seconds[b][i]
	}
	return spreadOf(ratios)
}

// A spread is the median of many values, and the quartiles that enclose the middle half of them.
type spread struct{ low, mid, high float64 }

// spreadOf sorts values.
func spreadOf(values []float64) spread {
	slices.Sort(values)
	return spread{quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)}
}

// quantile returns the value below which the share q of sorted lies.
func quantile(sorted []float64, q float64) float64 {
	x := q * float64(len(sorted)-1)
	i := int(x)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (x-float64(i))*(sorted[i+1]-sorted[i])
}

// exactly is the spread of what does not vary.
func exactly(v float64) spread { return spread{v, v, v} }
