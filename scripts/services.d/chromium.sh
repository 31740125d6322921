# A browser. Tests start and stop the browser themselves.
# shellcheck shell=bash

browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

found() { browser >/dev/null; }
install() { apt_install chromium; }
running() { found; }
start() { :; }
variables() { echo "NOTIFY_CHROMIUM=$(browser || true)"; }
