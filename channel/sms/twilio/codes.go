package twilio

import (
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms"
)

// verdict returns the meaning of a code, either of an error (20xxx, 21xxx) or of a message that failed (30xxx).
// Source: https://www.twilio.com/docs/api/errors
func verdict(code int) sms.Verdict {
	switch code {
	case 20003, 20005, 20404, // credentials, account
		21212, 21606, 21659, 21660, // the sender
		21408,               // a country that the account has not allowed
		30002, 30032, 30034: // suspended; a sender that is not registered
		return sms.Verdict{Kind: channel.Misconfigured}
	case 21211, 21214, 21610, 21612, 21614, // not a number, no route, opted out
		30004, 30005, 30006: // blocked, unknown handset, landline
		return sms.Verdict{Kind: channel.InvalidRecipient}
	case 21602, 21603, 21604, 21617, 21619, 21620, // no body, too long, bad media
		30007, 30010, 30036: // taken for spam, too costly, expired
		return sms.Verdict{Kind: channel.Rejected}
	case 20429, 30022:
		return sms.Verdict{Kind: channel.RateLimited, Wait: time.Second}
	case 14107, 21611: // the sender's queue is full
		return sms.Verdict{Kind: channel.RateLimited, Wait: time.Minute}
	case 20500, 20503, 30001, 30003, 30008:
		return sms.Verdict{Kind: channel.Temporary}
	}
	return sms.Verdict{}
}
