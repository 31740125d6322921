// Package dingtalk sends over DingTalk (钉钉). A [Robot] speaks in one group through the group's webhook; [Work] sends work
// notifications (工作通知) to single employees in the name of an enterprise app.
//
// # What is shown
//
// Each shows the first of these forms that the delivery has:
//
//	                   Robot                     Work
//	Extra.Links        feedCard                  (has none)
//	Extra.Buttons      actionCard                action_card
//	Markdown and URL   actionCard, one button    action_card, one button
//	Markdown           markdown                  markdown
//	Text and URL       link                      link if there is a PicURL, else action_card
//	Text               text                      text
//
// A Title without Text counts as Text. In a text the Title is the first line; elsewhere it is what a phone shows of the message, and
// without one the first line of the body serves. Where Text has to stand in a card, it is escaped for Markdown. Links and Buttons
// replace Content.URL. HTML, Approved and Attachments are not carried; a delivery that has nothing else is refused.
//
// A Robot's mentions (Extra.At) need a text or a markdown message, so with them Content.URL stands in the message instead of making
// a link or a card of it. DingTalk shows a mention in Markdown only if it stands in the text, so those that do not are added at its
// end. Cards with Buttons carry mentions too, but DingTalk does not promise to heed them there.
//
// The one button of a card says "Open", and "查看详情" in Chinese locales.
//
// # Extra
//
// A Robot's is [Extra], Work's is [WorkExtra].
//
// Facts about DingTalk are from help.dingtalk.io/open/development and from answers that others have published; its error texts may
// repeat what was sent, so errors hold its code and this package's own words.
package dingtalk

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/e7ddda3c/notify/channel"
)

const (
	provider    = "dingtalk"
	defaultBase = "https://oapi.dingtalk.com"
)

// base returns where requests go, without a slash at the end.
func base(option string) string {
	if option == "" {
		return defaultBase
	}
	return strings.TrimRight(option, "/")
}

// validBase refuses what is no plain address of a server. Its error does not repeat it: a webhook's whole URL holds the token.
func validBase(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return misconfigured("BaseURL must be like " + defaultBase)
	}
	return nil
}

func misconfigured(text string) error {
	return &channel.Error{Kind: channel.Misconfigured, Err: errors.New("dingtalk: " + text)}
}

// refused is the error of a delivery that can never work.
func refused(field, format string, args ...any) error {
	return &channel.Error{Kind: channel.Rejected, Field: field, Err: fmt.Errorf("dingtalk: "+format, args...)}
}
