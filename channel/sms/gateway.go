package sms

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Gateway hands one [SMS] to a vendor: the strategy of a [Channel].
//
// Send has the contract of [channel.Channel]: one attempt, safe for many goroutines, and an error that wraps a [*channel.Error].
// Its receipt names the provider and the vendor's id.
//
// What else a gateway can do, the Channel finds and passes on:
//
//	Templates() map[string]Template  // the approved texts that it knows; unless nil, it is given those and never a free text
//	Validate(SMS) error              // refuses what it cannot send, without I/O
//	Valid() error                    // checks its own configuration, without I/O
//	Limits() channel.Limits          // what the vendor allows
//	Close() error                    // or Close(context.Context) error
//
// A gateway that adds to another embeds it, so that these stay reachable.
type Gateway interface {
	Send(ctx context.Context, m SMS) (channel.Receipt, error)
}

// An SMS is one short message to one number, checked and in the form that its gateway takes.
type SMS struct {
	ID string // the delivery's; a gateway gives it to a vendor that brings it back with the receipt
	To string // E.164, such as "+8613800138000"

	// Text is the message of a gateway that has no templates; empty for one that has.
	Text string

	// Approved holds the parameters that Template asks for, all of them and in its order. It is nil for a gateway without
	// templates.
	Approved *channel.Approved
	Template Template // the gateway's own for Approved.Name

	ExpireAt time.Time // from when on it is of no use; zero means never
	Extra    Extra
}

// Extra is what a delivery can ask for beyond its content.
type Extra struct {
	// ExtendCode is appended to the sender's number, so that a reply can be told to belong to this message: Aliyun's
	// SmsUpExtendCode, Tencent's ExtendCode. Digits only. Twilio has no such thing and refuses it.
	ExtendCode string `json:"extend_code,omitempty"`
}
