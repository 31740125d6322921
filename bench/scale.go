package main

import "time"

// A scale is what seconds are shown as.
type scale struct {
	name   string // of the axis
	symbol string // behind a number
	of     func(seconds float64) float64
}

// timesIn shows seconds in another unit.
func timesIn(unit time.Duration) scale {
	symbol := unit.String()[1:] // of "1µs"
	return scale{symbol, " " + symbol, func(seconds float64) float64 { return seconds / unit.Seconds() }}
}

// perSecond shows what one thing takes as how many are done in a second.
var perSecond = scale{"per second", " /s", func(seconds float64) float64 { return 1 / seconds }}

// spread converts the quartiles of seconds, which change places where more is less.
func (s scale) spread(seconds spread) spread {
	out := spread{s.of(seconds.low), s.of(seconds.mid), s.of(seconds.high)}
	if out.low > out.high {
		out.low, out.high = out.high, out.low
	}
	return out
}

// print prints v as the table and the plot have it: what is large without decimals.
func (s scale) print(v float64) string {
	if v >= 1000 {
		v = float64(int(v + 0.5))
	}
	return number(v)
}
