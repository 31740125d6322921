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
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// A group measures one part of notify.
type group struct {
	name  string
	about string        // what is compared, for the table
	unit  time.Duration // of the table and the plot
	run   func(context.Context, *session) error
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
		{"store-pg", "With a store in PostgreSQL, beside River and the same rows by hand. Those with a backlog drain 20,000 messages that were accepted " +
			"before, over a channel that does nothing, with the log kept and default settings (River, tuned: 50 workers, FetchCooldown 2 ms, " +
			"FetchPollInterval 20 ms; by default it drains 2,000). The loops do nothing but claim and settle.", time.Millisecond, storePostgres},
		{"store-sqlite", "The same with SQLite, synchronous FULL, beside goqite (a runner of 50 jobs, which drains 2,000).", time.Millisecond, storeSQLite},
		{"store-mariadb", "The same with MariaDB.", time.Millisecond, storeMariaDB},
		{"store-backlog", "One-time codes beside a million of marketing mails, from Send to the driver's call; then a backlog of 20,000 beside " +
			"a million of finished ones, with statistics taken while nothing was live.", time.Millisecond, storeBacklog},
	}
}

// An effort is how hard to measure.
type effort struct {
	budget  time.Duration // for each race
	brief   time.Duration // for each race on a database
	mails   int           // in a burst
	backlog int           // messages to drain
	slow    int           // for those who would need long for the backlog
	million int

	codesIdle int // how many one-time codes are sent while nothing else is
}

var full = effort{budget: 15 * time.Second, brief: 2 * time.Second, mails: 500, backlog: 20_000, slow: 2000, million: 1_000_000, codesIdle: 500}

func main() {
	only := flag.String("only", "", "the one group to run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, *only, full, "out", "../docs", os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench runs the group named only, or all of them, and writes what they found. A run of all is also written to docs.
func bench(ctx context.Context, only string, e effort, out, docs string, stdout, progress io.Writer) error {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	var findings []finding
	for _, g := range chosen {
		s := &session{effort: e, progress: progress, finding: finding{group: g}}
		if err := g.run(ctx, s); err != nil {
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

// A row is how long one contender needed for a task, or how often it got it done.
type row struct {
	task, who string
	found     spread // in the scale's unit
	scale     scale
}

// race lets contenders take turns at a task and notes their times.
func (s *session) race(task string, contenders ...contender) (race, error) {
	return s.raceIn(timesIn(s.unit), s.budget, task, contenders...)
}

// raceIn is race with a scale and a budget of its own.
func (s *session) raceIn(in scale, budget time.Duration, task string, contenders ...contender) (race, error) {
	fmt.Fprintf(s.progress, "%s: %s ", s.name, task)
	r, err := run(budget, s.progress, contenders)
	fmt.Fprintln(s.progress)
	if err != nil {
		return race{}, fmt.Errorf("%s: %w", task, err)
	}
	for _, name := range r.names {
		s.note(in, task, name, r.of(name))
	}
	return r, nil
}

// note puts seconds into the table.
func (s *session) note(in scale, task, who string, seconds spread) {
	s.rows = append(s.rows, row{task, who, in.spread(seconds), in})
}

// most notes a bar that limits what was found from above.
func (s *session) most(name string, found spread, limit float64, unit string) {
	s.bars = append(s.bars, bar{name: name, found: found, limit: limit, unit: unit})
}

// least notes a bar that limits a ratio from below.
func (s *session) least(name string, found spread, limit float64) {
	s.bars = append(s.bars, bar{name: name, found: found, limit: limit, least: true, unit: "×"})
}

// plural counts things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprint(n, " ", thing, "s")
}
