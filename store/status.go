package store

// A Status is the state of a delivery. The zero Status, of a delivery that has not been processed yet, is never a success.
type Status string

// The statuses.
const (
	Accepted   Status = "accepted"   // to be sent
	Held       Status = "held"       // waiting; the reason says for what
	Sent       Status = "sent"       // accepted by the provider
	Delivered  Status = "delivered"  // arrived at the device or mailbox
	Read       Status = "read"       // opened by the recipient
	Failed     Status = "failed"     // not sent, or bounced
	Unknown    Status = "unknown"    // possibly sent: the answer was lost, and further attempts were not allowed or failed
	Suppressed Status = "suppressed" // deliberately not sent
	Canceled   Status = "canceled"   // stopped before it was sent
	Expired    Status = "expired"    // not sent before ExpireAt
)

// Known reports whether s is one of the statuses.
func (s Status) Known() bool {
	switch s {
	case Accepted, Held, Sent, Delivered, Read, Failed, Unknown, Suppressed, Canceled, Expired:
		return true
	}
	return false
}

// Settled reports whether s is final: no further attempt will be made. A receipt may still raise a settled delivery; see
// [Status.Raises].
func (s Status) Settled() bool { return s != "" && s != Accepted && s != Held }

// Reaches reports whether s is at least level, which must be Sent, Delivered or Read. Any other level is never reached.
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

// Raises reports whether a receipt with Status s and a reason raises a delivery from Status before with reason beforeReason. A receipt
// raises every delivery that stands lower in this order:
//
//	anything else < Sent < Failed with ReasonBounced < Delivered < Read
//
// Delivered raises even a bounce, because providers repeat and reorder their receipts.
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
