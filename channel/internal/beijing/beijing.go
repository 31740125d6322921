// Package beijing reads and computes times of day in Beijing. Chinese vendors use them in reports and for the reset of quotas.
package beijing

import "time"

var zone = time.FixedZone("", 8*60*60)

// Parse returns the time that s names, such as "2024-01-02 11:04:09", in UTC. Any other form gives the zero time.
func Parse(s string) time.Time {
	t, err := time.ParseInLocation(time.DateTime, s, zone)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Until returns the time from now to the next hour o'clock: at most a day, and a whole day at that very hour.
func Until(now time.Time, hour int) time.Duration {
	t := now.In(zone)
	next := time.Date(t.Year(), t.Month(), t.Day(), hour, 0, 0, 0, zone)
	if !next.After(t) {
		next = next.AddDate(0, 0, 1)
	}
	return next.Sub(t)
}
