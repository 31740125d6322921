package main

import "time"

// A scale converts seconds to the unit in which they are shown.
type scale struct {
	name   string // of the axis
	symbol string // printed after a number
	of     func(seconds float64) float64
}

// timesIn shows seconds in another unit of time.
func timesIn(unit time.Duration) scale {
	symbol := unit.String()[1:] // of "1µs"
	return scale{symbol, " " + symbol, func(seconds float64) float64 { return seconds / unit.Seconds() }}
}

// perSecond shows the time of one unit of work as a throughput.
var perSecond = scale{"per second", " /s", func(seconds float64) float64 { return 1 / seconds }}

// spread converts the quartiles of seconds. They change places if the scale is decreasing.
func (s scale) spread(seconds spread) spread {
	out := spread{s.of(seconds.low), s.of(seconds.mid), s.of(seconds.high)}
	if out.low > out.high {
		out.low, out.high = out.high, out.low
	}
	return out
}

// print formats v for the tables and plots. Numbers from 1000 have no decimals.
func (s scale) print(v float64) string {
	if v >= 1000 {
		v = float64(int(v + 0.5))
	}
	return number(v)
}
