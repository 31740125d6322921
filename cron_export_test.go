package notify

import "time"

// A Cron is a parsed cron expression.
type Cron struct{ c cron }

// ParseCron reads text.
func ParseCron(text string) (Cron, error) {
	c, err := parseCron(text)
	return Cron{c}, err
}

// Next returns the first occurrence after a time.
func (c Cron) Next(after time.Time) (time.Time, bool) { return c.c.next(after) }
