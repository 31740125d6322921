package sqlstore

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"strings"
	"testing/fstest"
)

//go:embed migrations
var migrations embed.FS

// A step is a migration.
type step struct {
	version  int
	file     string
	text     string // with the names of the tables
	checksum string // of the text without
}

// steps returns the migrations in order.
func (s *Store) steps() []step {
	folder := "migrations/" + s.dialect.traits().folder
	files, err := fs.ReadDir(migrations, folder)
	if err != nil {
		panic(err) // they are part of the program
	}
	steps := make([]step, len(files))
	for i, f := range files {
		b, err := fs.ReadFile(migrations, folder+"/"+f.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(b)
		steps[i] = step{version: i + 1, file: f.Name(), text: s.tables(string(b)), checksum: hex.EncodeToString(sum[:])}
	}
	return steps
}

func (s *Store) newest() int { return len(s.steps()) }

// Migrations returns the files that make the tables, with their names filled in, for the tool that makes the host's: goose and
// golang-migrate take them as they are, and atlas as files of golang-migrate. Each notes its version itself, so that [Store.Migrate] and a
// tool agree. With golang-migrate, MySQL needs multiStatements=true.
func (s *Store) Migrations() fs.FS {
	files := fstest.MapFS{}
	for _, step := range s.steps() {
		files[step.file] = &fstest.MapFile{Data: []byte(step.text), Mode: 0o444}
	}
	return files
}

// Migrate brings the tables to the version of this program, and does nothing if they have it, or a newer one. Many processes may call it
// at once. It only adds: programs of the version before go on working.
func (s *Store) Migrate(ctx context.Context) error {
	if s.invalid != nil {
		return s.invalid
	}
	return s.retry(ctx, func() error {
		x := &session{Store: s, q: s.db}
		if err := s.dialect.unfit(ctx, x); err != nil {
			return err
		}
		return s.dialect.migrate(ctx, s, func(x *session) error { return x.migrate(ctx) })
	})
}

func (x *session) migrate(ctx context.Context) error {
	version := 0
	there, err := x.hasSchema(ctx)
	if err == nil && there {
		_, err = x.one(ctx, []any{&version}, "select coalesce(max(version), 0) from {schema}")
	}
	if err != nil {
		return err
	}
	for _, step := range x.steps() {
		if step.version <= version {
			if err := x.checkChecksum(ctx, step); err != nil {
				return err
			}
			continue
		}
		for statement := range strings.SplitSeq(step.text, ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if _, err := x.q.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		if _, err := x.exec(ctx, "update {schema} set checksum = ? where version = ?", step.checksum, step.version); err != nil {
			return err
		}
	}
	return nil
}

// checkChecksum refuses to build on a migration that was another when it was applied.
func (x *session) checkChecksum(ctx context.Context, s step) error {
	var checksum string
	if _, err := x.one(ctx, []any{&checksum}, "select checksum from {schema} where version = ?", s.version); err != nil {
		return err
	}
	if checksum != "" && checksum != s.checksum {
		return unfit("version %d of the tables %s… was made by a file that differs from this program's: restore the tables, or use another Prefix",
			s.version, x.prefix)
	}
	return nil
}
