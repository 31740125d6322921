package main

var (
	Bench = bench

	// Tiny is the least effort at which everything runs.
	Tiny = effort{mails: 20, backlog: 300, slow: 20, million: 3000, codesIdle: 5}
)

// BarLine returns the line for a bar.
func BarLine(value, limit float64, least bool) string {
	return bar{name: "b", found: exactly(value), limit: limit, least: least}.String()
}

// Quartiles returns the quartiles of values and the median.
func Quartiles(values ...float64) (low, mid, high float64) {
	s := spreadOf(values)
	return s.low, s.mid, s.high
}
