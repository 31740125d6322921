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

// row matches a row of the manual's table of metrics: the name in Prometheus, and the one in OpenTelemetry.
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

// Names returns the names of all metrics of a library, as the manual lists them.
func Names(t *testing.T, l Library) []string {
	t.Helper()
	return slices.Sorted(maps.Values(manual(t, l.Column)))
}

// end returns the length of the metric's name in a number's.
func end(number string) int { return strings.IndexAny(number, " {") }

// spelled returns a number's name with the library's name of the metric.
func (r *run) spelled(number string) string {
	r.Helper()
	name, ok := r.names[number[:end(number)]]
	if !ok {
		r.Fatalf("%s: the manual has no such metric", number)
	}
	return name + number[end(number):]
}

// contains holds got to the numbers in want.
func (r *run) contains(want, got map[string]float64) {
	r.Helper()
	for _, number := range slices.Sorted(maps.Keys(want)) {
		r.near(got, number, want[number], 0)
	}
}

// equal holds got to want, with no number missing and none left over.
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

// near holds a number in got to want, give or take delta.
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
