// Command bench measures notify beside its peers and holds the results to the bars of docs/design.md.
//
//	go run . [-only GROUP]
//
// It prints its progress to standard error, and tables and bars to standard output: a line for each bar,
//
//	bar <name> <value> <limit> ok|short
//
// comes last. Tables and plots are written to out/ as well, and those of a run of all groups to ../docs.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A group measures one part of notify.
type group struct {
	name  string
	about string        // what is compared, for the table
	unit  time.Duration // of the table and the plot
	run   func(*session) error
}

func groups() []group {
	return []group{
		{"dispatch", "Send to one recipient over channels that do nothing, without a store, beside nikoksr/notify: as it is, and guarded, " +
			"that is, with each service given a deadline, a goroutine of its own and a recover.", time.Microsecond, dispatch},
		{"render", "A template.Set beside text/template alone, with the same files, the same decoded data and a buffer that is used again: a mail of " +
			"ten lines with a loop and conditions, and a message of one line.",
			time.Microsecond, render},
		{"smtp", "A burst of small mails by STARTTLS to a server in the same process, four under way at once: channel/email, which keeps " +
			"its connections, beside go-mail's DialAndSend for each mail.", time.Millisecond, smtpBurst},
	}
}

// An effort is how hard to measure.
type effort struct {
	budget time.Duration // for each race
	mails  int           // in a burst
}

var full = effort{budget: 15 * time.Second, mails: 500}

func main() {
	only := flag.String("only", "", "the one group to run")
	flag.Parse()
	if err := bench(*only, full, "out", "../docs", os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench runs the group named only, or all of them, and writes what they found. A run of all is also written to docs.
func bench(only string, e effort, out, docs string, stdout, progress io.Writer) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	var findings []finding
	for _, g := range chosen {
		s := &session{effort: e, progress: progress, finding: finding{group: g}}
		if err := g.run(s); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		findings = append(findings, s.finding)
	}
	if err := write(out, findings); err != nil {
		return err
	}
	if only == "" {
		if err := write(docs, findings); err != nil {
			return err
		}
	}
	return show(stdout, findings)
}

func choose(only string) ([]group, error) {
	if only == "" {
		return groups(), nil
	}
	var names []string
	for _, g := range groups() {
		if g.name == only {
			return []group{g}, nil
		}
		names = append(names, g.name)
	}
	return nil, fmt.Errorf("no group is called %q; there are: %s", only, strings.Join(names, ", "))
}

// A session is where a group measures and notes what it finds.
type session struct {
	effort
	progress io.Writer
	finding
}

// A finding is what came of a group.
type finding struct {
	group
	rows []row
	bars []bar
}

// A row is how long one contender needed for a task, in seconds.
type row struct {
	task, who string
	took      spread
}

// race lets contenders take turns at a task and notes their times.
func (s *session) race(task string, contenders ...contender) (race, error) {
	fmt.Fprintf(s.progress, "%s: %s ", s.name, task)
	r, err := run(s.budget, s.progress, contenders)
	fmt.Fprintln(s.progress)
	if err != nil {
		return race{}, fmt.Errorf("%s: %w", task, err)
	}
	for _, name := range r.names {
		s.rows = append(s.rows, row{task, name, r.of(name)})
	}
	return r, nil
}

// most notes a bar that limits what was found from above.
func (s *session) most(name string, found spread, limit float64, unit string) {
	s.bars = append(s.bars, bar{name: name, found: found, limit: limit, unit: unit})
}

// least notes a bar that limits what was found from below.
func (s *session) least(name string, found spread, limit float64, unit string) {
	s.bars = append(s.bars, bar{name: name, found: found, limit: limit, least: true, unit: unit})
}

// plural counts things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprint(n, " ", thing, "s")
}
