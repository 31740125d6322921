package faulttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// An Entry is one line of a [Ledger].
type Entry struct {
	At   time.Time `json:"at"`
	PID  int       `json:"pid"` // of the process that noted the entry
	Kind string    `json:"kind"`
	ID   string    `json:"id,omitempty"`
	Text string    `json:"text,omitempty"`
}

// A Ledger is a file that many processes append to. Entries are not buffered: once Note has returned, an entry survives a kill -9
// of any process. Its methods are safe for concurrent use.
type Ledger struct{ file *os.File }

// OpenLedger opens the ledger at path, or creates a new one.
func OpenLedger(path string) (*Ledger, error) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("faulttest: %w", err)
	}
	return &Ledger{file}, nil
}

// Note appends entries, all or none. It sets the PID of each entry, and At if that is zero.
func (l *Ledger) Note(es ...Entry) error {
	var lines bytes.Buffer
	encode := json.NewEncoder(&lines)
	for _, e := range es {
		if e.At.IsZero() {
			e.At = time.Now()
		}
		e.PID = os.Getpid()
		if err := encode.Encode(e); err != nil {
			return fmt.Errorf("faulttest: %w", err)
		}
	}
	if _, err := l.file.Write(lines.Bytes()); err != nil { // a single write, which a kill cannot split
		return fmt.Errorf("faulttest: %w", err)
	}
	return nil
}

// Read returns the entries from an offset on, and the offset at which to read further ones.
func (l *Ledger) Read(from int64) (es []Entry, next int64, err error) {
	b, err := io.ReadAll(io.NewSectionReader(l.file, from, 1<<62))
	if err != nil {
		return nil, from, fmt.Errorf("faulttest: %w", err)
	}
	for line := range bytes.Lines(b) {
		if line[len(line)-1] != '\n' {
			break // the line is still being written
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return es, from, fmt.Errorf("faulttest: ledger at %d: %w", from, err)
		}
		es, from = append(es, e), from+int64(len(line))
	}
	return es, from, nil
}

// Close closes the file, but does not remove it.
func (l *Ledger) Close() error { return l.file.Close() }
