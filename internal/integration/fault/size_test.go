package fault_test

import (
	"os"
	"time"
)

// A size sets the amount of work and of failures in a test.
type size struct {
	lease       time.Duration
	kills       int           // of workers
	every       time.Duration // the average time between two failures
	serverKills int
	messages    int           // the minimum number
	rate        int           // of messages, per second
	limit       time.Duration // of the whole test; 0 if the numbers are the limit
	groups      int           // for each dispatcher
	backlog     int           // of messages, for the test that kills workers while they drain a backlog
}

// sizeOf returns the size that NOTIFY_FAULT asks for: "soak", a time such as "40s" for all three databases together, or the default. The
// result is for one database.
func sizeOf() size {
	switch {
	case budget() > 0:
		return size{lease: time.Second, every: 500 * time.Millisecond, kills: 1 << 30, serverKills: 1 << 30, rate: 200, limit: budget() / 3}
	case os.Getenv("NOTIFY_FAULT") == "soak":
		return size{lease: 15 * time.Second, every: 2 * time.Second, kills: 200, serverKills: 20, messages: 50_000, rate: 150, groups: 500, backlog: 20_000}
	}
	return size{lease: time.Second, every: 300 * time.Millisecond, kills: 20, serverKills: 2, rate: 150, groups: 50, backlog: 2000}
}

// budget returns the time that `make fault` was given, or 0 in other tests.
func budget() time.Duration {
	d, _ := time.ParseDuration(os.Getenv("NOTIFY_FAULT"))
	return d
}

func soaking() bool { return os.Getenv("NOTIFY_FAULT") == "soak" }
