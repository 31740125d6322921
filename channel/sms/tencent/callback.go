package tencent

import (
	"net/http"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httphook"
	"github.com/e7ddda3c/notify/channel/internal/beijing"
)

// Callback returns a handler for the status reports that Tencent Cloud pushes. It passes each report to sink, such as Notifier.Receive.
//
// Tencent does not sign its calls, so the URL must end in the secret: mount the handler at "/hooks/tencent/", and enter
// https://example.com/hooks/tencent/<secret> in Tencent's console. [httphook.Secret] has the rules for a secret; Callback panics if
// it breaks them.
//
// If sink fails on any report, the answer is 503, and Tencent pushes all of them again, for up to a day; see [httphook].
//
// A report names the message by Tencent's own number alone. One that overtakes the answer to the request is not known yet, so sink
// fails and Tencent pushes it again. The codes are those of carriers, who do not tell a number that does not exist from a phone that is
// switched off; every bounce is [channel.Unreachable].
func Callback(secret string, sink httphook.Sink) http.Handler {
	answers := &httphook.Options{Taken: `{"result":0,"errmsg":"OK"}`, Refused: `{"result":1,"errmsg":"not now"}`}
	return httphook.Secret(secret, httphook.New(httphook.JSONArray(report.receipt), sink, answers))
}

// Source: https://cloud.tencent.com/document/product/382/59178
type report struct {
	At     httphook.Text `json:"user_receive_time"`
	Status httphook.Text `json:"report_status"`
	Code   httphook.Text `json:"errmsg"`
	SID    httphook.Text `json:"sid"`
}

func (p report) receipt() channel.Receipt {
	r := channel.Receipt{Provider: provider, ID: string(p.SID), At: beijing.Parse(string(p.At)), Code: string(p.Code)}
	switch p.Status {
	case "SUCCESS":
		r.Event = channel.Delivered
	case "FAIL":
		r.Event, r.Kind = channel.Bounced, channel.Unreachable
	}
	return r
}
