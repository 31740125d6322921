package observetest

import (
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// row matches a row of the manual's table of metrics, with the names in Prometheus and in OpenTelemetry.
var row = regexp.MustCompile("(?m)^\\| `(notify_[a-z_]+)` \\| `(notify[a-z.]+)` \\|")

// manual returns the names in a column of the manual's table, by the names in OpenTelemetry.
func manual(t *testing.T, column int) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/observe.md")
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]string)
	for _, cells := range row.FindAllStringSubmatch(string(text), -1) {
		names[cells[2]] = cells[1+column]
	}
	if len(names) == 0 {
		t.Fatal("the manual has no table of metrics")
	}
	return names
}

// Names returns all metric names of a library, from the manual.
func Names(t *testing.T, l Library) []string {
	t.Helper()
	return slices.Sorted(maps.Values(manual(t, l.Column)))
}

// end returns the index at which the metric's name ends in the name of a number.
func end(number string) int { return strings.IndexAny(number, " {") }

// spelled replaces the metric's name in the name of a number by the library's.
func (r *run) spelled(number string) string {
	r.Helper()
	name, ok := r.names[number[:end(number)]]
	if !ok {
		r.Fatalf("%s: the manual has no such metric", number)
	}
	return name + number[end(number):]
}

// contains checks that got has the numbers in want.
func (r *run) contains(want, got map[string]float64) {
	r.Helper()
	for _, number := range slices.Sorted(maps.Keys(want)) {
		r.near(got, number, want[number], 0)
	}
}

// equal checks that got has the numbers in want and no others.
func (r *run) equal(want, got map[string]float64) {
	r.Helper()
	r.contains(want, got)
	rest := maps.Clone(got)
	for number := range want {
		delete(rest, r.spelled(number))
	}
	for _, number := range slices.Sorted(maps.Keys(rest)) {
		r.Errorf("%s = %v, want no such number", number, rest[number])
	}
}

// near checks that a number in got differs from want by at most delta.
func (r *run) near(got map[string]float64, number string, want, delta float64) {
	r.Helper()
	number = r.spelled(number)
	v, ok := got[number]
	switch {
	case !ok:
		r.Errorf("%s is missing, want %v", number, want)
	case !(math.Abs(v-want) <= delta):
		r.Errorf("%s = %v, want %v", number, v, want)
	}
}

func (r *run) spans(o Observer, want int) {
	r.Helper()
	if o.Spans == nil {
		return
	}
	if got := o.Spans(); got != want {
		r.Errorf("%d spans ended, want %d", got, want)
	}
}

func (r *run) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}
