package store

import "github.com/e7ddda3c/notify/channel"

// A Reason explains the [Status] of a delivery. There are no other reasons than these. Stores themselves interpret [ReasonBounced] only.
type Reason string

// The reasons. Each comment starts with the status that the reason explains. If an attempt of a failed delivery may have been sent, its
// status is Unknown instead of Failed, with the same reason.
const (
	ReasonScheduled Reason = "scheduled" // held: until SendAt
	ReasonWaiting   Reason = "waiting"   // held: the dispatcher lets it wait
	ReasonRetry     Reason = "retry"     // held: until the next attempt, after a failed attempt
	ReasonPaused    Reason = "paused"    // held: the channel is paused
	ReasonThrottled Reason = "throttled" // failed: the wait for the next attempt was too long

	ReasonInvalid       Reason = "invalid"       // failed: no such recipient or address, or a malformed address; suppressed: found invalid before
	ReasonRejected      Reason = "rejected"      // failed: the content can never be sent
	ReasonUnreachable   Reason = "unreachable"   // failed: the recipient cannot be reached now
	ReasonMisconfigured Reason = "misconfigured" // failed: the channel needs an operator
	ReasonExhausted     Reason = "exhausted"     // failed: all attempts were used up
	ReasonBounced       Reason = "bounced"       // failed: accepted by the provider, then returned; suppressed: an earlier delivery bounced

	ReasonTooLate   Reason = "too_late"   // any status: canceled without effect, since the driver may have been called before
	ReasonNotNeeded Reason = "not_needed" // suppressed: dropped by the dispatcher
	ReasonStuck     Reason = "stuck"      // suppressed: the dispatcher returned no next step
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

// ReasonOf returns the reason of a delivery that fails for good with a failure of kind k.
func ReasonOf(k channel.Kind) Reason {
	switch k {
	case channel.InvalidRecipient:
		return ReasonInvalid
	case channel.Unreachable:
		return ReasonUnreachable
	case channel.Misconfigured:
		return ReasonMisconfigured
	case channel.RateLimited:
		return ReasonThrottled
	case channel.Temporary:
		return ReasonExhausted
	}
	return ReasonRejected
}
