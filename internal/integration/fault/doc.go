// Package fault breaks things under the durable engine, on real databases: it kills workers, senders and databases, cuts their
// connections and moves their clocks, and counts what became of every message. It also breaks each rule of the engine on purpose, to
// see that its tests notice.
//
// What runs here is small, for `make test`; `make soak` runs it in full, and `make fault FOR=40s` for as long as it is told.
package fault
