package store

// A Status is where a delivery stands. The zero Status, of a delivery that nobody has looked at, is never a success.
type Status string

// The statuses.
const (
	Accepted   Status = "accepted"   // it is to go out
	Held       Status = "held"       // it waits; the reason says for what
	Sent       Status = "sent"       // the provider took it
	Delivered  Status = "delivered"  // it reached the device or the mailbox
	Read       Status = "read"       // the recipient opened it
	Failed     Status = "failed"     // it certainly did not go out, or came back
	Unknown    Status = "unknown"    // it may have gone out: the answer was lost, and trying again was not allowed or did not help
	Suppressed Status = "suppressed" // it was not to go out after all
	Canceled   Status = "canceled"   // it was stopped before it went out
	Expired    Status = "expired"    // it lost its use before it could go out
)

// Known reports whether s is one of the statuses.
func (s Status) Known() bool {
	switch s {
	case Accepted, Held, Sent, Delivered, Read, Failed, Unknown, Suppressed, Canceled, Expired:
		return true
	}
	return false
}

// Settled reports whether nothing more will be tried. A receipt may still raise Sent to Delivered or Read.
func (s Status) Settled() bool { return s != "" && s != Accepted && s != Held }

// Reaches reports whether s is as good as level, which is Sent, Delivered or Read, or better.
func (s Status) Reaches(level Status) bool { return level.height() > 0 && s.height() >= level.height() }

func (s Status) height() int {
	switch s {
	case Sent:
		return 1
	case Delivered:
		return 2
	case Read:
		return 3
	}
	return 0
}

// Raises reports whether a receipt that says s, for a reason, raises a delivery that stands at before. Everything certain raises
// what was only tried; coming back raises Sent; Delivered raises even that, because providers repeat and reorder; nothing lowers.
func (s Status) Raises(reason Reason, before Status, beforeReason Reason) bool {
	return certainty(s, reason) > certainty(before, beforeReason)
}

func certainty(s Status, reason Reason) int {
	switch {
	case s == Sent:
		return 1
	case s == Failed && reason == ReasonBounced:
		return 2
	case s == Delivered:
		return 3
	case s == Read:
		return 4
	}
	return 0
}
