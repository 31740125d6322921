package notify

import "time"

// An Engine tunes [Notifier.Run]. The zero Engine means all defaults.
type Engine struct {
	// Lease is how long a delivery stays with a process that died, before another takes it over. The default is 15 s.
	Lease time.Duration
	// Poll is how often the store is asked for what other processes accepted without a hint. The default is 1 s.
	Poll time.Duration
	// Retention is how long the message log keeps messages after they were accepted, if nothing of them is live. The default is 90
	// days; negative is for ever.
	Retention time.Duration
}
