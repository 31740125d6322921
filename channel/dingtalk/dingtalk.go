// Package dingtalk sends over DingTalk (钉钉). A [Robot] posts into one group through the group's webhook. [Work] sends work
// notifications (工作通知) to single employees on behalf of an enterprise app.
//
// # Message forms
//
// The message has the first of these forms that the delivery has content for:
//
//	                   Robot                     Work
//	Extra.Links        feedCard                  (has none)
//	Extra.Buttons      actionCard                action_card
//	Markdown and URL   actionCard, one button    action_card, one button
//	Markdown           markdown                  markdown
//	Text and URL       link                      link if there is a PicURL, else action_card
//	Text               text                      text
//
// A Title without Text counts as Text. In a text message, Title is the first line, and a feed card does not use it. In the other forms,
// Title is the text of the phone's notification; without a Title, that is the first line of the body. Text in a card is escaped for
// Markdown. Links and Buttons replace Content.URL. HTML, Approved and Attachments are not sent, and a delivery with nothing else is
// refused.
//
// A Robot's mentions (Extra.At) require a text or a markdown message. With mentions, Content.URL is therefore part of the body, and
// does not turn the message into a link or a card. In Markdown, DingTalk shows a mention only if the body contains it, so missing ones
// are appended. A card with Buttons includes mentions, too, but DingTalk does not guarantee that it shows them.
//
// The single button of a card is labeled "Open", or "查看详情" in Chinese locales.
//
// # Extra
//
// Delivery.Extra has the form [Extra] for a Robot, and [WorkExtra] for Work.
//
// # Sources
//
// Facts about DingTalk are from help.dingtalk.io/open/development and from published responses. DingTalk's error texts may repeat the
// request, so errors hold DingTalk's code and this package's own words.
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

// base returns the base URL of requests, without a slash at the end.
func base(option string) string {
	if option == "" {
		return defaultBase
	}
	return strings.TrimRight(option, "/")
}

// validBase requires an http or https URL without user and query. The error does not quote s, because a webhook's URL holds the token.
func validBase(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return misconfigured("BaseURL must be an http or https URL without user and query, such as " + defaultBase)
	}
	return nil
}

func misconfigured(text string) error {
	return &channel.Error{Kind: channel.Misconfigured, Err: errors.New("dingtalk: " + text)}
}

// refused returns the error for a delivery that can never work.
func refused(field, format string, args ...any) error {
	return &channel.Error{Kind: channel.Rejected, Field: field, Err: fmt.Errorf("dingtalk: "+format, args...)}
}
