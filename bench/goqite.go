package main

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"

	"maragu.dev/goqite"
	"maragu.dev/goqite/jobs"
)

// goqiteSchema is schema_sqlite.sql of goqite, which the module does not export.
const goqiteSchema = `
create table goqite (
  id text primary key default ('m_' || lower(hex(randomblob(16)))),
  created text not null default (strftime('%Y-%m-%dT%H:%M:%fZ')),
  updated text not null default (strftime('%Y-%m-%dT%H:%M:%fZ')),
  queue text not null,
  body blob not null,
  timeout text not null default (strftime('%Y-%m-%dT%H:%M:%fZ')),
  received integer not null default 0,
  priority integer not null default 0
) strict;

create trigger goqite_updated_timestamp after update on goqite begin
  update goqite set updated = strftime('%Y-%m-%dT%H:%M:%fZ') where id = old.id;
end;

create index goqite_queue_priority_created_idx on goqite (queue, priority desc, created);`

// goqitePoll is the poll interval with which goqite's runner was fastest. The default is 100 ms.
const goqitePoll = time.Millisecond

// A goqiteQueue is goqite with a database of its own, opened as in goqite's documentation.
type goqiteQueue struct {
	*database
	queue *goqite.Queue
}

func newGoqite(ctx context.Context) (*goqiteQueue, error) {
	base, err := newSQLite(ctx)
	if err != nil {
		return nil, err
	}
	base.SetMaxOpenConns(1)
	if _, err := base.ExecContext(ctx, goqiteSchema); err != nil {
		_ = base.Close()
		return nil, err
	}
	return &goqiteQueue{base, goqite.New(goqite.NewOpts{DB: base.DB, Name: "bench", Timeout: time.Minute})}, nil
}

// drain fills the queue and returns the time that goqite's job runner takes until the last message is deleted.
func (q *goqiteQueue) drain(ctx context.Context, messages int) (time.Duration, error) {
	if err := q.fill(ctx, messages); err != nil {
		return 0, err
	}
	var worked atomic.Int64
	all := make(chan struct{})
	runner := jobs.NewRunner(jobs.NewRunnerOpts{Queue: q.queue, Limit: riverWorkers, PollInterval: goqitePoll})
	runner.Register("bench", func(context.Context, []byte) error {
		if worked.Add(1) == int64(messages) {
			close(all)
		}
		return nil
	})
	running, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(stopped)
		runner.Start(running)
	}()
	took, err := settled(ctx, begin, all, func() (left bool, err error) {
		return left, q.QueryRowContext(ctx, `select exists (select 1 from goqite)`).Scan(&left)
	})
	stop()
	<-stopped
	return took, err
}

func (q *goqiteQueue) fill(ctx context.Context, messages int) error {
	tx, err := q.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for range messages {
		if err := q.create(ctx, tx); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (q *goqiteQueue) create(ctx context.Context, tx *sql.Tx) error {
	_, err := jobs.CreateTx(ctx, tx, q.queue, "bench", goqite.Message{Body: []byte(`{"to":"` + to + `","title":"` + subject + `","text":"` + body + `"}`)})
	return err
}
