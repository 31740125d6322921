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

// workMessage is the msg of d's work notification, or the fault that keeps it from being shown.
func workMessage(d channel.Delivery) (json.RawMessage, error) {
	x, err := extraOf[WorkExtra](d)
	if err != nil {
		return nil, err
	}
	s, err := shownOf(d)
	if err != nil {
		return nil, err
	}
	if err := checkButtons(x.Buttons); err != nil {
		return nil, err
	}
	msg := x.message(s)
	if x.PicURL != "" && (msg["msgtype"] != "link" || !isURL(x.PicURL) && !strings.HasPrefix(x.PicURL, "@")) {
		return nil, refused("extra.pic_url", "neither the absolute URL nor the media id of a link's picture; in Markdown write ![](…)")
	}
	return encode(msg, workMax)
}

func (x WorkExtra) message(s shown) map[string]any {
	switch {
	case len(x.Buttons) > 0:
		c := workCard{Title: s.heading(), Markdown: s.body(), Orientation: orientation(x.Horizontal)}
		for _, b := range x.Buttons {
			c.Buttons = append(c.Buttons, workButton(b))
		}
		return message("action_card", c)
	case s.url != "" && (s.markdown != "" || x.PicURL == ""): // a link must have a picture here
		return message("action_card", workCard{Title: s.heading(), Markdown: s.body(), SingleTitle: s.label, SingleURL: s.url})
	case s.markdown != "":
		return message("markdown", markdownBody{Title: s.heading(), Text: s.markdown})
	case s.url != "":
		return message("link", linkBody{Title: s.heading(), Text: s.text, MessageURL: s.url, PicURL: x.PicURL})
	default:
		return message("text", textBody{Content: s.plain()})
	}
}
