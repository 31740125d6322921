package main

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// riverWorkers is River's MaxWorkers, equal to the slots of one of our lanes.
const riverWorkers = 50

// riverTuned has the settings of River's own benchmark, riverDefault River's defaults.
var (
	riverTuned   = river.Config{FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond}
	riverDefault = river.Config{}
)

// A riverQueue is River with a database of its own.
type riverQueue struct {
	base     *database
	pool     *pgxpool.Pool
	inserter *river.Client[pgx.Tx]
}

func newRiver(ctx context.Context) (_ *riverQueue, err error) {
	base, err := newPostgres(ctx)
	if err != nil {
		return nil, err
	}
	q := &riverQueue{base: base}
	defer func() {
		if err != nil {
			_ = q.Close()
		}
	}()
	config, err := pgxpool.ParseConfig(base.url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = connections
	if q.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(q.pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	if _, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	q.inserter, err = q.client(river.Config{}, nil)
	return q, err
}

func (q *riverQueue) Close() error {
	if q.pool != nil {
		q.pool.Close()
	}
	return q.base.Close()
}

// riverJob has the same content as letter.
type riverJob struct {
	To    string `json:"to"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

func (riverJob) Kind() string { return "bench" }

// client returns a client with config. If work is nil, the client only inserts jobs.
func (q *riverQueue) client(config river.Config, work func()) (*river.Client[pgx.Tx], error) {
	config.Logger = slog.New(slog.DiscardHandler)
	if work != nil {
		config.Workers = river.NewWorkers()
		config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: riverWorkers}}
		river.AddWorker(config.Workers, river.WorkFunc(func(context.Context, *river.Job[riverJob]) error {
			work()
			return nil
		}))
	}
	return river.NewClient(riverpgxv5.New(q.pool), &config)
}

// insert inserts one job.
func (q *riverQueue) insert(ctx context.Context) error {
	_, err := q.inserter.Insert(ctx, riverJob{to, subject, body}, nil)
	return err
}

// drain fills the queue with jobs and returns the time that workers with config take until the last job is completed.
func (q *riverQueue) drain(ctx context.Context, jobs int, config river.Config) (time.Duration, error) {
	if err := q.fill(ctx, jobs); err != nil {
		return 0, err
	}
	var worked atomic.Int64
	all := make(chan struct{})
	client, err := q.client(config, func() {
		if worked.Add(1) == int64(jobs) {
			close(all)
		}
	})
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := client.Start(ctx); err != nil {
		return 0, err
	}
	took, err := settled(ctx, begin, all, func() (left bool, err error) {
		return left, q.pool.QueryRow(ctx, `select exists (select from river_job where state in ('available', 'running'))`).Scan(&left)
	})
	if err != nil {
		return 0, err
	}
	if err := client.Stop(ctx); err != nil {
		return 0, err
	}
	return took, expect(int(worked.Load()), jobs)
}

// fill replaces all jobs with new ones.
func (q *riverQueue) fill(ctx context.Context, jobs int) error {
	if _, err := q.pool.Exec(ctx, `truncate river_job`); err != nil {
		return err
	}
	params := make([]river.InsertManyParams, jobs)
	for i := range params {
		params[i].Args = riverJob{to, subject, body}
	}
	_, err := q.inserter.InsertManyFast(ctx, params)
	return err
}

// settled waits until all is closed, then until left reports false. It returns the time since begin.
func settled(ctx context.Context, begin time.Time, all <-chan struct{}, left func() (bool, error)) (time.Duration, error) {
	select {
	case <-all:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		switch more, err := left(); {
		case err != nil:
			return 0, err
		case !more:
			return time.Since(begin), nil
		}
		<-tick.C
	}
}
