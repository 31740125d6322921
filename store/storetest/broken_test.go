package storetest_test

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/store"
	"github.com/e7ddda3c/notify/store/storetest"
)

// A table holds stores that break a rule, by a description of the fault. rule is the subtest to run, and want the rule that the report
// must name, by default the same. A store is bent by bend, or created by open.
type table map[string]struct {
	rule, want string
	bend       func(b *bent)
	open       func() store.Deliveries
}

// broken returns the entries of all tables.
func broken() table {
	all := table{}
	for _, t := range []table{brokenAccept, brokenLease, brokenSettle, brokenList, brokenPorts} {
		maps.Copy(all, t)
	}
	return all
}

// TestBroken fails on purpose: TestReportsNameTheBrokenRule runs it in a process of its own.
func TestBroken(t *testing.T) {
	if os.Getenv("STORETEST_BROKEN") == "" {
		return
	}
	for name, tt := range broken() {
		t.Run(name, func(t *testing.T) {
			storetest.RunRule(t, func(*testing.T) store.Deliveries {
				if tt.open != nil {
					return tt.open()
				}
				b := straight()
				tt.bend(b)
				return b
			}, tt.rule)
		})
	}
}

func TestReportsNameTheBrokenRule(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBroken$", "-test.v")
	cmd.Env = append(os.Environ(), "STORETEST_BROKEN=1")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "no report of a broken rule")

	named := map[string][]string{} // rules by store
	var subject string
	for line := range strings.Lines(string(out)) {
		if m := regexp.MustCompile(`^=== (?:RUN|NAME|CONT) +TestBroken/([^/\n]+)`).FindStringSubmatch(line); m != nil {
			subject = m[1]
		}
		if m := regexp.MustCompile(`rule "([^"]+)" is broken`).FindStringSubmatch(line); m != nil {
			named[subject] = append(named[subject], m[1])
		}
	}
	var shown []string
	for name, tt := range broken() {
		want := tt.rule
		if tt.want != "" {
			want = tt.want
		}
		shown = append(shown, want)
		require.Contains(t, named[strings.ReplaceAll(name, " ", "_")], want, "%s\n%s", name, out)
	}
	for _, rule := range storetest.Rules() {
		require.True(t, slices.Contains(shown, rule), "no store of the tables breaks the rule %q", rule)
	}
}

func TestRuleNamesAreUnique(t *testing.T) {
	names := storetest.Rules()
	slices.Sort(names)
	require.Len(t, slices.Compact(slices.Clone(names)), len(names))
}

// A plain store does not implement the optional ports.
type plain struct{ store.Deliveries }

func TestOptionalPortsAreOptional(t *testing.T) {
	for _, rule := range storetest.Rules() {
		if strings.HasPrefix(rule, "schedule/") || strings.HasPrefix(rule, "pause/") || strings.HasPrefix(rule, "suppression/") {
			storetest.RunRule(t, func(*testing.T) store.Deliveries { return plain{straight()} }, rule)
		}
	}
}
