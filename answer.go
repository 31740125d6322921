package notify

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// take goes on with d, whose turn has ended. A slot that was given back meanwhile tells nothing.
func (g *group) take(ctx context.Context, d *delivery, now time.Time) {
	switch {
	case d.phase == queued && g.barred(ctx, d, now):
		d.gate.leave()
		g.admit(ctx, d, now)
	case d.phase == queued:
		g.proceed(ctx, d, now)
	case d.phase != calling:
	default:
		g.answered(d, now)
	}
}

// answered goes on with d, whose driver has answered.
func (g *group) answered(d *delivery, now time.Time) {
	g.trace(d, TransitionAttempted, d.failure, now.Sub(d.out.At))
	if d.failure != nil {
		g.failed(d, now, d.failure)
		return
	}
	g.sent(d, now)
}

func (g *group) sent(d *delivery, now time.Time) {
	d.out.ProviderID = d.receipt.ID
	s, why, e := statusOf(d.receipt)
	g.settle(d, now, s, why, e)
}

// failed does what the kind of a failure asks for.
func (g *group) failed(d *delivery, now time.Time, e *channel.Error) {
	d.last = e
	switch e.Kind {
	case channel.RateLimited:
		wait, _ := d.gate.paused(now)
		g.hold(d, now, wait, ReasonPaused, e)
	case channel.Misconfigured:
		g.settle(d, now, Failed, ReasonMisconfigured, e)
	case channel.Temporary:
		g.retry(d, now, e)
	case channel.InvalidRecipient, channel.Rejected, channel.Unreachable:
		g.settle(d, now, Failed, faultReason(e.Kind), e)
	default: // it may have gone out
		d.doubt = true
		if d.AtMostOnce {
			g.settle(d, now, Unknown, "", e)
			return
		}
		g.retry(d, now, e)
	}
}

// stops reports whether e holds its whole channel.
func stops(e *channel.Error) bool {
	return e.Kind == channel.RateLimited || e.Kind == channel.Misconfigured
}

// pause holds the whole channel as e asks for, and reports whether it was not held before. It is logged once, not for each call that
// was under way.
func (n *Notifier) pause(g *gate, now time.Time, e *channel.Error) (first bool) {
	before, _ := g.paused(now)
	g.pause(now, e)
	wait, _ := g.paused(now)
	if before > 0 {
		return false
	}
	log := n.log.Warn
	if e.Kind == channel.Misconfigured {
		log = n.log.Error
	}
	n.tell(Transition{Event: TransitionPaused, Channel: g.name, Kind: kindOf(e), Took: wait})
	log("channel paused", "channel", g.name, "kind", e.Kind.Error(), "code", e.Code, "for", wait)
	return true
}

// retry uses up one of d's attempts.
func (g *group) retry(d *delivery, now time.Time, e *channel.Error) {
	d.spent++
	if d.spent >= d.gate.policy.Attempts {
		g.settle(d, now, Failed, ReasonExhausted, e)
		return
	}
	g.hold(d, now, max(e.RetryAfter, d.gate.policy.wait(d.spent)), ReasonRetry, e)
}

// faultReason is the reason of a failure that is not tried again.
func faultReason(k channel.Kind) Reason {
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
