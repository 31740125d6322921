package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"text/tabwriter"
)

const preface = `# Benchmarks

Written by ` + "`make bench`" + `. The contenders take turns in one process, each for 20 ms or one burst at a time. A ratio is computed within
each round. The tables show the median of all rounds, and the range between the quartiles. Ratios carry over to other machines better
than times do.

`

// write writes the tables to benchmarks.md in a folder, and the plots to a folder benchmarks beside that file.
func write(folder string, findings []finding) error {
	if err := os.MkdirAll(filepath.Join(folder, "benchmarks"), 0o755); err != nil {
		return err
	}
	for _, f := range findings {
		if err := draw(f, filepath.Join(folder, "benchmarks", f.name+".png")); err != nil {
			return fmt.Errorf("plot %s: %w", f.name, err)
		}
	}
	return os.WriteFile(filepath.Join(folder, "benchmarks.md"), markdown(findings), 0o644)
}

func markdown(findings []finding) []byte {
	var b bytes.Buffer
	b.WriteString(preface)
	fmt.Fprintf(&b, "This run: %s.\n", machine())
	for _, f := range findings {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", f.name, f.about)
		b.WriteString("| task | contender | median | quartiles |\n|---|---|---|---|\n")
		for _, r := range f.rows {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.task, r.who, r.middle(), r.half())
		}
		fmt.Fprintf(&b, "\n![Times of %s](benchmarks/%s.png)\n\n", f.name, f.name)
		b.WriteString("| bar | value | quartiles | limit | |\n|---|---|---|---|---|\n")
		for _, v := range f.bars {
			fmt.Fprintf(&b, "| %s | %s %s | %s | %s %s | %s |\n", v.name, number(v.found.mid), v.unit, span(v.found), v.sign(), number(v.limit), v.verdict())
		}
	}
	return b.Bytes()
}

// show prints the tables as plain text, then a line for each bar.
func show(w io.Writer, findings []finding) error {
	fmt.Fprintf(w, "%s\n\n", machine())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		for _, r := range f.rows {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", f.name, r.task, r.who, r.middle(), r.half())
		}
	}
	fmt.Fprintln(t)
	for _, f := range findings {
		for _, v := range f.bars {
			fmt.Fprintf(t, "%s\t%s\t%s %s\t%s\t%s %s\n", f.name, v.name, number(v.found.mid), v.unit, span(v.found), v.sign(), number(v.limit))
		}
	}
	fmt.Fprintln(t)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, f := range findings {
		for _, v := range f.bars {
			if _, err := fmt.Fprintln(w, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// machine describes the machine of this run.
func machine() string {
	return fmt.Sprintf("%s on %s/%s, %s", runtime.Version(), runtime.GOOS, runtime.GOARCH, plural(runtime.NumCPU(), "CPU"))
}

// middle formats the median with its unit.
func (r row) middle() string { return r.scale.print(r.found.mid) + r.scale.symbol }

// half formats the quartiles with their unit.
func (r row) half() string {
	low, high := r.scale.print(r.found.low), r.scale.print(r.found.high)
	if low == high {
		return r.middle()
	}
	return low + " – " + high + r.scale.symbol
}

// span formats the quartiles, or a single number if they are equal.
func span(s spread) string {
	if number(s.low) == number(s.high) {
		return number(s.mid)
	}
	return number(s.low) + " – " + number(s.high)
}
