// Command bench compares notify with its peers and checks the results against limits, the bars.
//
//	go run . [-only GROUP]
//
// The command prints progress to standard error, and tables and bars to standard output. The output ends with a line for each bar:
//
//	bar <name> <value> <limit> ok|short
//
// Tables and plots are also written to out/. A run of all groups also writes them to ../docs.
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
	about string        // the comparison, for the table
	unit  time.Duration // of the table and the plot
	run   func(context.Context, *session) error
}

func groups() []group {
	return []group{
		{"dispatch", "Send to one recipient over channels that do nothing, without a store, compared with nikoksr/notify, both bare and guarded. A guarded " +
			"service has a deadline, a goroutine of its own and a recover.", time.Microsecond, dispatch},
		{"render", "A template.Set compared with text/template alone, with the same files, the same decoded data and a reused buffer. The templates are a " +
			"mail of ten lines with a loop and conditions, and a message of one line.",
			time.Microsecond, render},
		{"smtp", "A burst of small mails over STARTTLS to a server in the same process, four in flight at a time. channel/email, which keeps its " +
			"connections, is compared with go-mail's DialAndSend, called for each mail.", time.Millisecond, smtpBurst},
		{"store-pg", "A store in PostgreSQL, compared with River and with the same rows written by hand. The backlog is 20,000 accepted messages, which are " +
			"sent over a channel that does nothing, with the log kept and default settings. River, tuned, has 50 workers, FetchCooldown 2 ms and " +
			"FetchPollInterval 20 ms; River with its defaults drains 2,000 messages. The loops only claim and settle.", time.Millisecond, storePostgres},
		{"store-sqlite", "The same with SQLite, synchronous FULL, compared with goqite: a runner of 50 jobs at a time, which drains 2,000 messages.", time.Millisecond, storeSQLite},
		{"store-mariadb", "The same with MariaDB.", time.Millisecond, storeMariaDB},
		{"store-backlog", "The time from Send to the driver's call for one-time codes, while a million marketing mails are queued. Then the throughput of a backlog " +
			"of 20,000 messages beside a million finished ones, with table statistics taken while nothing was live.", time.Millisecond, storeBacklog},
	}
}

// An effort is the amount of work in a run.
type effort struct {
	budget  time.Duration // for each race
	brief   time.Duration // for each race on a database
	mails   int           // in a burst
	backlog int           // messages to drain
	slow    int           // messages to drain for slow contenders
	million int           // deliveries in the large tables

	codesIdle int // one-time codes to send while nothing else is live
}

var full = effort{budget: 15 * time.Second, brief: 2 * time.Second, mails: 500, backlog: 20_000, slow: 2000, million: 1_000_000, codesIdle: 500}

func main() {
	only := flag.String("only", "", "run this group only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, *only, full, "out", "../docs", os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench runs the group named only, or all groups if only is empty, and writes the findings to out. The findings of all groups are
// also written to docs.
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
	return nil, fmt.Errorf("unknown group %q, must be one of %s", only, strings.Join(names, ", "))
}

// A session is the run of one group and collects its findings.
type session struct {
	effort
	progress io.Writer
	finding
}

// A finding holds the results of a group.
type finding struct {
	group
	rows []row
	bars []bar
}

// A row is the time that one contender took for a task, or its throughput.
type row struct {
	task, who string
	found     spread // in the scale's unit
	scale     scale
}

// race runs the contenders of a task by turns and notes their times.
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

// note adds a row for a time in seconds.
func (s *session) note(in scale, task, who string, seconds spread) {
	s.rows = append(s.rows, row{task, who, in.spread(seconds), in})
}

// most adds a bar with an upper limit.
func (s *session) most(name string, found spread, limit float64, unit string) {
	s.bars = append(s.bars, bar{name: name, found: found, limit: limit, unit: unit})
}

// least adds a bar with a lower limit for a ratio.
func (s *session) least(name string, found spread, limit float64) {
	s.bars = append(s.bars, bar{name: name, found: found, limit: limit, least: true, unit: "×"})
}

// plural returns a count of things, such as "1 mail" or "2 mails".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprint(n, " ", thing, "s")
}
