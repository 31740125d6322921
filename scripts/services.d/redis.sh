# Redis. Tests use keys under prefixes of their own.
# shellcheck shell=bash

found() { command -v redis-server >/dev/null; }
install() { apt_install redis-server; }
running() { listening 6379; }
start() { spawn redis-server --bind 127.0.0.1 --port 6379 --dir "$dir" --appendonly yes; }
variables() { echo "NOTIFY_REDIS=redis://127.0.0.1:6379/0"; }
