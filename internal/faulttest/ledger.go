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
	PID  int       `json:"pid"` // who noted it
	Kind string    `json:"kind"`
	ID   string    `json:"id,omitempty"`
	Text string    `json:"text,omitempty"`
}

// A Ledger is a file that many processes append to. Nothing of it is kept in a process: an entry whose Note returned outlives
// kill -9 of anybody. Its methods may be called by many goroutines at once.
type Ledger struct{ file *os.File }

// OpenLedger opens the ledger at path, and makes it if it is not there.
func OpenLedger(path string) (*Ledger, error) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("faulttest: %w", err)
	}
	return &Ledger{file}, nil
}

// Note appends entries, all of them or none, and fills in their At, unless it is set, and PID.
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
	if _, err := l.file.Write(lines.Bytes()); err != nil { // one write, which no kill divides
		return fmt.Errorf("faulttest: %w", err)
	}
	return nil
}

// Read returns the entries from an offset on, and the offset of what will come after them.
func (l *Ledger) Read(from int64) (es []Entry, next int64, err error) {
	b, err := io.ReadAll(io.NewSectionReader(l.file, from, 1<<62))
	if err != nil {
		return nil, from, fmt.Errorf("faulttest: %w", err)
	}
	for line := range bytes.Lines(b) {
		if line[len(line)-1] != '\n' {
			break // it is being written
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return es, from, fmt.Errorf("faulttest: ledger at %d: %w", from, err)
		}
		es, from = append(es, e), from+int64(len(line))
	}
	return es, from, nil
}

// Close closes the file, which stays.
func (l *Ledger) Close() error { return l.file.Close() }
