package store

// A Reason says why a delivery has its [Status]. The list is closed. Stores themselves look at [ReasonBounced] only.
type Reason string

// The reasons, behind the status that each explains. A delivery that would have failed is unknown, for the same reason, if one of
// its attempts may have gone out.
const (
	ReasonScheduled Reason = "scheduled" // held: until its SendAt
	ReasonWaiting   Reason = "waiting"   // held: the dispatcher lets it wait
	ReasonRetry     Reason = "retry"     // held: the last attempt failed
	ReasonPaused    Reason = "paused"    // held: its channel waits
	ReasonThrottled Reason = "throttled" // failed: it would have had to wait too long

	ReasonInvalid       Reason = "invalid"       // failed: no such recipient or address, or a fault in the address; suppressed: that was found before
	ReasonRejected      Reason = "rejected"      // failed: the content can never work
	ReasonUnreachable   Reason = "unreachable"   // failed: the recipient cannot be reached now
	ReasonMisconfigured Reason = "misconfigured" // failed: the channel needs an operator
	ReasonExhausted     Reason = "exhausted"     // failed: all attempts were used up
	ReasonBounced       Reason = "bounced"       // failed: it was taken and came back; suppressed: so was an earlier one

	ReasonTooLate   Reason = "too_late"   // it was canceled when its driver might have been called already; it stands as it does all the same
	ReasonNotNeeded Reason = "not_needed" // suppressed: the dispatcher dropped it
	ReasonStuck     Reason = "stuck"      // suppressed: the dispatcher left it without a next step
)

// Known reports whether r is one of the reasons.
func (r Reason) Known() bool {
	switch r {
	case ReasonScheduled, ReasonWaiting, ReasonRetry, ReasonPaused, ReasonThrottled, ReasonInvalid, ReasonRejected, ReasonUnreachable,
		ReasonMisconfigured, ReasonExhausted, ReasonBounced, ReasonTooLate, ReasonNotNeeded, ReasonStuck:
		return true
	}
	return false
}
