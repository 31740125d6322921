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

// A step is one file of the migrations.
type step struct {
	version  int
	file     string
	text     string // with table names filled in
	checksum string // of the file as it is embedded
}

// steps returns the migrations in the order of their versions.
func (s *Store) steps() []step {
	folder := "migrations/" + s.dialect.traits().folder
	files, err := fs.ReadDir(migrations, folder)
	if err != nil {
		panic(err) // cannot happen: the files are embedded
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

// Migrations returns the migration files, with table names filled in, for the host's migration tool. goose and golang-migrate accept
// the files as they are, atlas in its format for golang-migrate. Each file records its version in the database, so that [Store.Migrate] and
// a tool agree on the version. With golang-migrate, MySQL requires multiStatements=true.
func (s *Store) Migrations() fs.FS {
	files := fstest.MapFS{}
	for _, step := range s.steps() {
		files[step.file] = &fstest.MapFile{Data: []byte(step.text), Mode: 0o444}
	}
	return files
}

// Migrate brings the tables to the version of this program. It is a no-op if they have that version or a newer one. Any number of
// processes may call it at the same time. Migrations only add, so that programs of the previous version continue to work.
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

// checkChecksum refuses tables whose migration was applied from a different file.
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
