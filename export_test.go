package notify

import "time"

// Idle reports whether n holds nothing any more: no Send, no call, no slot and no place in a rate that is still to come.
func (n *Notifier) Idle() bool {
	for _, g := range n.gates {
		if len(g.slots) > 0 || g.busy.Load() != 0 || g.lost.Load() != 0 {
			return false
		}
		if g.pace != nil && g.pace.next.After(time.Now().Add(g.pace.every)) {
			return false
		}
	}
	return n.running.running == 0
}
