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

// robotMessage returns the message that a robot posts for d.
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
		return nil, refused("extra.pic_url", "must be an absolute URL and requires a link message; in Markdown use ![](…)")
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
	c, err := contentOf(d)
	if err != nil {
		return nil, err
	}
	mentions := !x.At.isZero()
	switch {
	case len(x.Buttons) > 0:
		return x.card(c)
	case c.markdown != "" && c.url != "" && !mentions:
		return message("actionCard", robotCard{Title: c.heading(), Text: c.markdown, SingleTitle: c.label, SingleURL: c.url}), nil
	case c.markdown != "":
		body := c.markdown
		if c.url != "" {
			body += "\n\n" + link(c.label, c.url)
		}
		return message("markdown", markdownBody{Title: c.heading(), Text: mention(body, x.At)}), nil
	case c.url != "" && !mentions:
		return message("link", linkBody{Title: c.heading(), Text: c.text, MessageURL: c.url, PicURL: x.PicURL}), nil
	default:
		body := c.plain()
		if c.url != "" {
			body += "\n" + c.url
		}
		return message("text", textBody{Content: body}), nil
	}
}

func (x Extra) feed() (map[string]any, error) {
	if !x.At.isZero() {
		return nil, refused("extra.at", "at and links are mutually exclusive")
	}
	if len(x.Buttons) > 0 {
		return nil, refused("extra.buttons", "buttons and links are mutually exclusive")
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

func (x Extra) card(c content) (map[string]any, error) {
	if err := checkButtons(x.Buttons); err != nil {
		return nil, err
	}
	card := robotCard{Title: c.heading(), Text: mention(c.body(), x.At), Orientation: orientation(x.Horizontal)}
	for _, b := range x.Buttons {
		card.Buttons = append(card.Buttons, robotButton(b))
	}
	return message("actionCard", card), nil
}

// orientation returns DingTalk's code for the arrangement of a card's buttons.
func orientation(horizontal bool) string {
	if horizontal {
		return "1"
	}
	return "0"
}
