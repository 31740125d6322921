// Package integration tests notify against real peers, a mail server and a browser. Tests get the peers' addresses from
// [github.com/e7ddda3c/notify/internal/env.Need], which skips a test if the peer is missing.
package integration
