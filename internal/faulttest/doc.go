// Package faulttest injects faults into programs that must not lose anything, and records the events that such tests check.
//
//   - A [Process] is a copy of the test binary that plays a role. The test can kill the process, as kill -9 does, and restart it. A
//     [Bomb] kills its own process at a named point, and [Watch] adds such points to a store.
//   - A [Server] is a PostgreSQL or MariaDB server for one test, which can be killed and restarted.
//   - A [Proxy] cuts connections between a request and the reply, stalls replies, and refuses connections.
//   - A [Ledger] records events durably, even if a process is killed.
//
// Everything that faulttest starts ends with the test, or with the test's process at the latest, and leaves nothing behind.
package faulttest
