# NATS with JetStream. Tests use streams of their own.
# shellcheck shell=bash

found() { command -v nats-server >/dev/null; }
install() { apt_install nats-server; }
running() { listening 4222; }
start() { spawn nats-server -a 127.0.0.1 -p 4222 -js -sd "$dir/data"; }
variables() { echo "NOTIFY_NATS=nats://127.0.0.1:4222"; }
