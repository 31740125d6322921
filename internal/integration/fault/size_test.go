package fault_test

import (
	"os"
	"time"
)

// A size says how much is broken.
type size struct {
	lease       time.Duration
	kills       int           // of workers
	every       time.Duration // about
	serverKills int
	messages    int // at least
	rate        int // of messages, per second
	limit       time.Duration
	groups      int // of each dispatcher
	backlog     int // of messages, for workers that are killed as they send it
}

// sizeOf returns what is asked for by NOTIFY_FAULT ("soak", or how long to go on, such as "40s"), for one database. That time is for
// all three of them together.
func sizeOf() size {
	switch {
	case budget() > 0:
		return size{lease: time.Second, every: 500 * time.Millisecond, kills: 1 << 30, serverKills: 1 << 30, rate: 200, limit: budget() / 3}
	case os.Getenv("NOTIFY_FAULT") == "soak":
		return size{lease: 15 * time.Second, every: 2 * time.Second, kills: 200, serverKills: 20, messages: 50_000, rate: 150, groups: 500, backlog: 20_000}
	}
	return size{lease: time.Second, every: 300 * time.Millisecond, kills: 20, serverKills: 2, rate: 150, groups: 50, backlog: 2000}
}

// budget is how long `make fault` goes on; 0: it is not.
func budget() time.Duration {
	d, _ := time.ParseDuration(os.Getenv("NOTIFY_FAULT"))
	return d
}

func soaking() bool { return os.Getenv("NOTIFY_FAULT") == "soak" }
