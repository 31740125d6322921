package dingtalk

import (
	"encoding/json"
	"strings"

	"github.com/e7ddda3c/notify/channel"
)

type (
	workCard struct {
		Title       string       `json:"title"`
		Markdown    string       `json:"markdown"`
		SingleTitle string       `json:"single_title,omitempty"`
		SingleURL   string       `json:"single_url,omitempty"`
		Orientation string       `json:"btn_orientation,omitempty"`
		Buttons     []workButton `json:"btn_json_list,omitempty"`
	}
	workButton struct {
		Title string `json:"title"`
		URL   string `json:"action_url"`
	}
)

// workMessage returns the msg of d's work notification.
func workMessage(d channel.Delivery) (json.RawMessage, error) {
	x, err := extraOf[WorkExtra](d)
	if err != nil {
		return nil, err
	}
	c, err := contentOf(d)
	if err != nil {
		return nil, err
	}
	if err := checkButtons(x.Buttons); err != nil {
		return nil, err
	}
	msg := x.message(c)
	if x.PicURL != "" && (msg["msgtype"] != "link" || !isURL(x.PicURL) && !strings.HasPrefix(x.PicURL, "@")) {
		return nil, refused("extra.pic_url", "must be an absolute URL or a media id and requires a link message; in Markdown use ![](…)")
	}
	return encode(msg, workMax)
}

func (x WorkExtra) message(c content) map[string]any {
	switch {
	case len(x.Buttons) > 0:
		card := workCard{Title: c.heading(), Markdown: c.body(), Orientation: orientation(x.Horizontal)}
		for _, b := range x.Buttons {
			card.Buttons = append(card.Buttons, workButton(b))
		}
		return message("action_card", card)
	case c.url != "" && (c.markdown != "" || x.PicURL == ""): // unlike a robot's link, this one requires a picture
		return message("action_card", workCard{Title: c.heading(), Markdown: c.body(), SingleTitle: c.label, SingleURL: c.url})
	case c.markdown != "":
		return message("markdown", markdownBody{Title: c.heading(), Text: c.markdown})
	case c.url != "":
		return message("link", linkBody{Title: c.heading(), Text: c.text, MessageURL: c.url, PicURL: x.PicURL})
	default:
		return message("text", textBody{Content: c.plain()})
	}
}
