// Package faulttest breaks things under a program that must lose nothing, and counts what came of it.
//
//   - A [Process] is the test binary itself in a role of its own, to be killed, as kill -9 does, and started again. A [Bomb] kills it
//     from inside at a named point, and [Watch] gives a store such points.
//   - A [Server] is a PostgreSQL or MariaDB of the test's own, to be killed and started again.
//   - A [Proxy] cuts connections between a request and its reply, stalls them, and refuses them.
//   - A [Ledger] keeps what happened, whoever dies.
//
// What it starts ends with the test, or with the test's process at the latest, and leaves nothing behind.
package faulttest
