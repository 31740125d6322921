package sms

import (
	"context"
	"time"

	"github.com/e7ddda3c/notify/channel"
)

// A Gateway hands an [SMS] to one vendor, on behalf of a [Channel].
//
// Send has the contract of [channel.Channel]: one attempt, safe for concurrent use, and an error that wraps a [*channel.Error]. Its
// receipt names the provider and the vendor's id of the message.
//
// The Channel also uses any of these methods that a gateway has:
//
//	Templates() Templates     // the approved texts; unless nil, Send gets those and never a free text
//	Validate(SMS) error       // refuses what the vendor would, without I/O
//	Valid() error             // checks the gateway's own configuration, without I/O
//	Limits() channel.Limits   // the vendor's limits
//	Close() error             // or Close(context.Context) error
//
// A gateway that wraps another must embed it, so that these methods stay reachable.
type Gateway interface {
	Send(ctx context.Context, m SMS) (channel.Receipt, error)
}

// An SMS is one message to one number, checked and in the form that its gateway takes.
type SMS struct {
	ID string // the delivery's ID, for vendors that return it in their reports
	To string // E.164, such as "+8613800138000"

	// Text is the message for a gateway without templates; empty for one with templates.
	Text string

	// Approved holds all parameters of Template, in the template's order. It is nil for a gateway without templates.
	Approved *channel.Approved
	Template Template // the gateway's own for Approved.Name

	ExpireAt time.Time // the message is useless from then on; zero means never
	Extra    Extra
}

// Extra holds the settings that a delivery may bring.
type Extra struct {
	// ExtendCode is appended to the sender's number, so that a reply shows which message it answers: Aliyun's SmsUpExtendCode,
	// Tencent's ExtendCode. Digits only. Twilio has no equivalent and refuses it.
	ExtendCode string `json:"extend_code,omitempty"`
}
