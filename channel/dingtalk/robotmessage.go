package dingtalk

import (
	"encoding/json"

	"github.com/e7ddda3c/notify/channel"
)

type (
	robotCard struct {
		Title       string        `json:"title"`
		Text        string        `json:"text"`
		SingleTitle string        `json:"singleTitle,omitempty"`
		SingleURL   string        `json:"singleURL,omitempty"`
		Orientation string        `json:"btnOrientation,omitempty"`
		Buttons     []robotButton `json:"btns,omitempty"`
	}
	robotButton struct {
		Title string `json:"title"`
		URL   string `json:"actionURL"`
	}
	robotFeed struct {
		Links []robotLink `json:"links"`
	}
	robotLink struct {
		Title  string `json:"title"`
		URL    string `json:"messageURL"`
		PicURL string `json:"picURL,omitempty"`
	}
	robotAt struct {
		Mobiles []string `json:"atMobiles,omitempty"`
		UserIDs []string `json:"atUserIds,omitempty"`
		All     bool     `json:"isAtAll,omitempty"`
	}
)

// robotMessage is what a robot posts of d, or the fault that keeps it from being shown.
func robotMessage(d channel.Delivery) (json.RawMessage, error) {
	x, err := extraOf[Extra](d)
	if err != nil {
		return nil, err
	}
	if x.At, err = x.At.normal(); err != nil {
		return nil, err
	}
	msg, err := x.message(d)
	if err != nil {
		return nil, err
	}
	if x.PicURL != "" && (msg["msgtype"] != "link" || !isURL(x.PicURL)) {
		return nil, refused("extra.pic_url", "not the absolute URL of a link's picture; in Markdown write ![](…)")
	}
	if !x.At.isZero() {
		msg["at"] = robotAt(x.At)
	}
	return encode(msg, robotMax)
}

func (x Extra) message(d channel.Delivery) (map[string]any, error) {
	if len(x.Links) > 0 {
		return x.feed()
	}
	s, err := shownOf(d)
	if err != nil {
		return nil, err
	}
	mentions := !x.At.isZero()
	switch {
	case len(x.Buttons) > 0:
		return x.card(s)
	case s.markdown != "" && s.url != "" && !mentions:
		return message("actionCard", robotCard{Title: s.heading(), Text: s.markdown, SingleTitle: s.label, SingleURL: s.url}), nil
	case s.markdown != "":
		body := s.markdown
		if s.url != "" {
			body += "\n\n" + link(s.label, s.url)
		}
		return message("markdown", markdownBody{Title: s.heading(), Text: mention(body, x.At)}), nil
	case s.url != "" && !mentions:
		return message("link", linkBody{Title: s.heading(), Text: s.text, MessageURL: s.url, PicURL: x.PicURL}), nil
	default:
		body := s.plain()
		if s.url != "" {
			body += "\n" + s.url
		}
		return message("text", textBody{Content: body}), nil
	}
}

func (x Extra) feed() (map[string]any, error) {
	if !x.At.isZero() {
		return nil, refused("extra.at", "a feed card mentions nobody")
	}
	if len(x.Buttons) > 0 {
		return nil, refused("extra.buttons", "a feed card has none")
	}
	if err := checkLinks(x.Links); err != nil {
		return nil, err
	}
	var f robotFeed
	for _, l := range x.Links {
		f.Links = append(f.Links, robotLink(l))
	}
	return message("feedCard", f), nil
}

func (x Extra) card(s shown) (map[string]any, error) {
	if err := checkButtons(x.Buttons); err != nil {
		return nil, err
	}
	c := robotCard{Title: s.heading(), Text: mention(s.body(), x.At), Orientation: orientation(x.Horizontal)}
	for _, b := range x.Buttons {
		c.Buttons = append(c.Buttons, robotButton(b))
	}
	return message("actionCard", c), nil
}

// orientation is DingTalk's word for how the buttons of a card stand.
func orientation(horizontal bool) string {
	if horizontal {
		return "1"
	}
	return "0"
}
