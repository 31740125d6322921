package main

import (
	"fmt"
	"math"
	"strconv"
)

// A bar is a limit from docs/design.md and what was found.
type bar struct {
	name  string
	found spread
	limit float64
	least bool   // whether the limit is the least that will do, rather than the most
	unit  string // behind the value: "×" for a ratio
}

// ok reports whether the bar is kept. What is printed is what is judged.
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

// String returns the line that a run ends with: bar <name> <value> <limit> ok|short.
func (b bar) String() string {
	return fmt.Sprintf("bar %s %s %s %s", b.name, number(b.found.mid), number(b.limit), b.verdict())
}

// sign says on which side of the limit the value should be.
func (b bar) sign() string {
	if b.least {
		return "≥"
	}
	return "≤"
}

// number prints v with up to two decimals.
func number(v float64) string { return strconv.FormatFloat(rounded(v), 'f', -1, 64) }

func rounded(v float64) float64 { return math.Round(v*100) / 100 }
