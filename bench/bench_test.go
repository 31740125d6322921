package main_test

import (
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	bench "github.com/e7ddda3c/notify/bench"
	"github.com/e7ddda3c/notify/internal/env"
)

var barLine = regexp.MustCompile(`^bar ((dispatch|render|smtp|store-[a-z]+)-[a-z0-9-]+) [0-9]+(\.[0-9]+)? [0-9]+(\.[0-9]+)? (ok|short)$`)

// bars returns the names of the bars at the end of a run, and their groups.
func bars(t *testing.T, stdout string) (names, groups []string) {
	_, last, found := strings.Cut(stdout, "\nbar ")
	require.True(t, found, stdout)
	for line := range strings.Lines("bar " + last) {
		match := barLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		require.NotNil(t, match, line)
		names, groups = append(names, match[1]), append(groups, match[2])
	}
	return names, groups
}

func TestARunOfAllGroupsWritesTablesAndPlotsToTheManual(t *testing.T) {
	env.Need(t, "NOTIFY_POSTGRES")
	env.Need(t, "NOTIFY_MARIADB")
	out, docs := t.TempDir(), t.TempDir()
	var stdout strings.Builder
	require.NoError(t, bench.Bench(t.Context(), "", bench.Tiny, out, docs, &stdout, io.Discard))
	names, groups := bars(t, stdout.String())
	require.Subset(t, groups, []string{"dispatch", "render", "smtp", "store-pg", "store-sqlite", "store-mariadb", "store-backlog"})
	for _, folder := range []string{out, docs} {
		page, err := os.ReadFile(filepath.Join(folder, "benchmarks.md"))
		require.NoError(t, err)
		for i, name := range names {
			require.Contains(t, string(page), "| "+name+" |")
			plot, err := os.Open(filepath.Join(folder, "benchmarks", groups[i]+".png"))
			require.NoError(t, err)
			_, err = png.DecodeConfig(plot)
			require.NoError(t, err)
			require.NoError(t, plot.Close())
		}
	}
}

func TestARunOfOneGroupLeavesTheManualAlone(t *testing.T) {
	out, docs := t.TempDir(), t.TempDir()
	var stdout, progress strings.Builder
	require.NoError(t, bench.Bench(t.Context(), "render", bench.Tiny, out, docs, &stdout, &progress))
	_, groups := bars(t, stdout.String())
	for _, group := range groups {
		require.Equal(t, "render", group)
	}
	require.Contains(t, progress.String(), "render: ")
	written, err := os.ReadDir(docs)
	require.NoError(t, err)
	require.Empty(t, written)
}

func TestAStoreOfItsOwnNeedsNoService(t *testing.T) {
	var stdout strings.Builder
	require.NoError(t, bench.Bench(t.Context(), "store-sqlite", bench.Tiny, t.TempDir(), t.TempDir(), &stdout, io.Discard))
	_, groups := bars(t, stdout.String())
	require.Contains(t, groups, "store-sqlite")
}

func TestAnUnknownGroupIsToldWhichThereAre(t *testing.T) {
	err := bench.Bench(t.Context(), "rendre", bench.Tiny, t.TempDir(), t.TempDir(), io.Discard, io.Discard)
	require.ErrorContains(t, err, `"rendre"`)
	require.ErrorContains(t, err, "dispatch, render, smtp")
}

func TestABarIsJudgedAsItIsPrinted(t *testing.T) {
	tests := map[string]struct {
		value, limit float64
		least        bool
		want         string
	}{
		"at most, kept":           {1.2, 1.5, false, "bar b 1.2 1.5 ok"},
		"at most, by a hair":      {1.504, 1.5, false, "bar b 1.5 1.5 ok"},
		"at most, missed":         {1.506, 1.5, false, "bar b 1.51 1.5 short"},
		"at least, kept":          {5.1, 5, true, "bar b 5.1 5 ok"},
		"at least, missed":        {4.9, 5, true, "bar b 4.9 5 short"},
		"a whole number":          {14, 14, false, "bar b 14 14 ok"},
		"a large one stays plain": {1234567, 1, true, "bar b 1234567 1 ok"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, bench.BarLine(tt.value, tt.limit, tt.least))
		})
	}
}

func TestTheMiddleHalfLiesBetweenTheQuartiles(t *testing.T) {
	low, mid, high := bench.Quartiles(5, 1, 4, 2, 3)
	require.Equal(t, []float64{2, 3, 4}, []float64{low, mid, high})
	low, mid, high = bench.Quartiles(1, 2)
	require.Equal(t, []float64{1.25, 1.5, 1.75}, []float64{low, mid, high})
	low, mid, high = bench.Quartiles(7)
	require.Equal(t, []float64{7, 7, 7}, []float64{low, mid, high})
}
