package main

import (
	"fmt"
	"math"
	"strconv"
)

// A bar is a limit and the measured value.
type bar struct {
	name  string
	found spread
	limit float64
	least bool   // whether the limit is a minimum rather than a maximum
	unit  string // printed after the value: "×" for a ratio
}

// ok reports whether the value is within the limit. Both are compared as printed.
func (b bar) ok() bool {
	if b.least {
		return rounded(b.found.mid) >= b.limit
	}
	return rounded(b.found.mid) <= b.limit
}

func (b bar) verdict() string {
	if b.ok() {
		return "ok"
	}
	return "short"
}

// String returns the bar's line at the end of a run: bar <name> <value> <limit> ok|short.
func (b bar) String() string {
	return fmt.Sprintf("bar %s %s %s %s", b.name, number(b.found.mid), number(b.limit), b.verdict())
}

// sign returns the relation that the value should have to the limit.
func (b bar) sign() string {
	if b.least {
		return "≥"
	}
	return "≤"
}

// number prints v with up to two decimals.
func number(v float64) string { return strconv.FormatFloat(rounded(v), 'f', -1, 64) }

func rounded(v float64) float64 { return math.Round(v*100) / 100 }
