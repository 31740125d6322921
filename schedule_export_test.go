package notify

import "context"

// RunSchedules is what Run does for schedules.
func (n *Notifier) RunSchedules(ctx context.Context) { n.runSchedules(ctx) }
