# MariaDB. Tests create databases of their own.
# shellcheck shell=bash

found() { [[ -x /usr/sbin/mariadbd ]]; }
install() { apt_install mariadb-server; }
running() { listening 3306; }

start() {
	folder "$dir/data"
	as_daemon mariadb-install-db --no-defaults --datadir="$dir/data" --auth-root-authentication-method=normal \
		--skip-test-db >"$dir/install.log" 2>&1
	spawn /usr/sbin/mariadbd --no-defaults --datadir="$dir/data" --socket="$dir/socket" --pid-file="$dir/data/pid" \
		--bind-address=127.0.0.1 --port=3306
}

variables() { echo "NOTIFY_MARIADB=root@tcp(127.0.0.1:3306)/"; }
