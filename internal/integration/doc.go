// Package integration tests notify against real peers: a mail server, a browser. Tests ask for them with
// [github.com/e7ddda3c/notify/internal/env.Need].
package integration
