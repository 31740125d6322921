package fault_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// rewriting opens a database and rewrites every statement on the way there. This breaks rules that a store keeps internally.
func (k kind) rewriting(source string, rewrite func(query string) string) (*sql.DB, error) {
	db, err := sql.Open(k.driver, source)
	if err != nil {
		return nil, err
	}
	inner := connector{source: source, driver: db.Driver(), rewrite: rewrite}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return sql.OpenDB(inner), nil
}

type connector struct {
	source  string
	driver  driver.Driver
	rewrite func(string) string
}

func (c connector) Driver() driver.Driver { return c.driver }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	d, ok := c.driver.(driver.DriverContext)
	if !ok {
		inner, err := c.driver.Open(c.source)
		return &rewritten{inner, c.rewrite}, err
	}
	connector, err := d.OpenConnector(c.source)
	if err != nil {
		return nil, err
	}
	inner, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &rewritten{inner, c.rewrite}, nil
}

// rewritten is a connection that rewrites statements. The drivers of all tested databases implement the methods that it asserts.
type rewritten struct {
	driver.Conn
	rewrite func(string) string
}

func (r *rewritten) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return r.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, r.rewrite(query))
}

func (r *rewritten) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return r.Conn.(driver.ExecerContext).ExecContext(ctx, r.rewrite(query), args)
}

func (r *rewritten) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return r.Conn.(driver.QueryerContext).QueryContext(ctx, r.rewrite(query), args)
}

func (r *rewritten) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return r.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (r *rewritten) CheckNamedValue(v *driver.NamedValue) error {
	if c, ok := r.Conn.(driver.NamedValueChecker); ok {
		return c.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (r *rewritten) ResetSession(ctx context.Context) error {
	if c, ok := r.Conn.(driver.SessionResetter); ok {
		return c.ResetSession(ctx)
	}
	return nil
}

func (r *rewritten) IsValid() bool {
	c, ok := r.Conn.(driver.Validator)
	return !ok || c.IsValid()
}
