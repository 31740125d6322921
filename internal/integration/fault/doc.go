// Package fault tests the durable engine against failures, on real databases. The tests kill workers, senders and databases, cut
// connections and move clocks, and then account for every message. They also break each rule of the engine on purpose, to prove that a
// violation is detected.
//
// `make test` runs small tests, `make soak` the full ones, and `make fault FOR=40s` runs for the given time.
package fault
