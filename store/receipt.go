package store

import (
	"cmp"
	"errors"

	"github.com/e7ddda3c/notify/channel"
)

// StatusOf returns the status to which a provider's receipt brings a delivery. The failure of a bounce is [channel.InvalidRecipient] or
// [channel.Rejected] if the receipt says so, else [channel.Unreachable].
func StatusOf(r channel.Receipt) (Status, Reason, *channel.Error) {
	switch r.Event {
	case channel.Delivered:
		return Delivered, "", nil
	case channel.Read:
		return Read, "", nil
	case channel.Bounced:
		e := &channel.Error{Kind: cmp.Or(r.Kind, channel.Unreachable), Code: r.Code, Err: errors.New("the message bounced")}
		if e.Kind != channel.InvalidRecipient && e.Kind != channel.Rejected { // no other kind ends a delivery for good
			e.Kind = channel.Unreachable
		}
		return Failed, ReasonBounced, e
	}
	return Sent, "", nil
}
