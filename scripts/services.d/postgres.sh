# PostgreSQL. Tests create databases of their own.
# shellcheck shell=bash

bin() { find /usr/lib/postgresql/*/bin -name "$1" 2>/dev/null | sort -V | tail -n 1; }

found() { [[ -n $(bin initdb) ]]; }
install() { apt_install postgresql; }
running() { listening 5432; }

start() {
	folder "$dir/data"
	as_daemon "$(bin initdb)" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/initdb.log" 2>&1
	spawn "$(bin postgres)" -D "$dir/data" -k "$dir" -h 127.0.0.1 -p 5432
}

variables() { echo "NOTIFY_POSTGRES=postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"; }
