package channeltest

import "testing"

// Watched are the rules that have no subtest of their own.
var Watched = []string{returns.name, noPanic.name, oneAttempt.name, classified.name, keepsSecrets.name}

// Rules returns the names of all rules.
func Rules() []string {
	names := Watched
	for _, r := range rules {
		names = append(names, r.name)
	}
	return names
}

// RunRule runs one rule that has a subtest.
func RunRule(t *testing.T, v Vendor, name string) {
	for i := range rules {
		if rules[i].name == name {
			v.suite().try(t, &rules[i])
			return
		}
	}
	t.Fatalf("unknown rule %q", name)
}
