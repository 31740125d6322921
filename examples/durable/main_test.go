package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify"
)

// The shop is killed several times, at random moments. Every order's mail arrives, but no mail of an order that was rolled back.
func TestNoMailIsMissing(t *testing.T) {
	folder := t.TempDir()
	program, file := filepath.Join(folder, "durable"), filepath.Join(folder, "shop.db")
	build := exec.Command("go", "build", "-o", program, ".")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	sell := func(ctx context.Context) *exec.Cmd {
		cmd := exec.CommandContext(ctx, program, "-once", "-orders", "150", "-db", file) // killed with SIGKILL when ctx is done
		cmd.Stderr = os.Stderr
		return cmd
	}

	kills := 0
	for range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(100+rand.IntN(400))*time.Millisecond)
		if sell(ctx).Run() != nil {
			kills++
		}
		cancel()
	}
	require.Positive(t, kills)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	said, err := sell(ctx).Output()
	require.NoError(t, err)
	var st status
	require.NoError(t, json.Unmarshal(said, &st))
	t.Logf("%d kills: %s", kills, said)
	require.Equal(t, 150, st.Orders)
	require.Zero(t, st.Missing)

	require.ElementsMatch(t, ordersIn(t, file), mailsOf(t, file+"-mails.jsonl"))
}

func ordersIn(t *testing.T, file string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT number FROM orders`)
	require.NoError(t, err)
	defer rows.Close()
	var numbers []string
	for rows.Next() {
		var number string
		require.NoError(t, rows.Scan(&number))
		numbers = append(numbers, number)
	}
	require.NoError(t, rows.Err())
	return numbers
}

// mailsOf returns the orders whose mail arrived, each once.
func mailsOf(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	seen := make(map[string]bool)
	var numbers []string
	for line := range strings.Lines(string(text)) {
		var m mail
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		if number := strings.TrimPrefix(m.Title, "Your order "); !seen[number] {
			seen[number] = true
			numbers = append(numbers, number)
		}
	}
	return numbers
}

func TestADeclinedCardSendsNothing(t *testing.T) {
	s, err := open(t.Context(), filepath.Join(t.TempDir(), "shop.db"))
	require.NoError(t, err)
	defer s.db.Close()
	require.ErrorIs(t, s.buy(t.Context(), "bob@example.com", true), errDeclined)
	page, err := s.notifier.Log(t.Context(), notify.Query{})
	require.NoError(t, err)
	require.Empty(t, page.Messages)
}
