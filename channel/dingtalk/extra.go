package dingtalk

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/e7ddda3c/notify/channel"
)

// Extra is what a delivery may ask of a [Robot] beyond its Content.
type Extra struct {
	At         At       `json:"at,omitzero"`          // who is mentioned; not in a feed card
	PicURL     string   `json:"pic_url,omitempty"`    // picture of a link (Text and URL, no mentions)
	Buttons    []Button `json:"buttons,omitempty"`    // makes the message a card with these buttons
	Horizontal bool     `json:"horizontal,omitempty"` // puts the buttons side by side
	Links      []Link   `json:"links,omitempty"`      // makes the message a feed card, which shows nothing else
}

// WorkExtra is what a delivery may ask of [Work] beyond its Content.
type WorkExtra struct {
	PicURL     string   `json:"pic_url,omitempty"`    // picture of a link (Text and URL): a URL, or a media id, which starts with @
	Buttons    []Button `json:"buttons,omitempty"`    // makes the message a card with these buttons
	Horizontal bool     `json:"horizontal,omitempty"` // puts the buttons side by side
}

// At says who in the group is mentioned.
type At struct {
	// Mobiles are mobile numbers of members: 13800138000 or +8613800138000 in mainland China; +1-4155550100 elsewhere, where
	// DingTalk wants the hyphen behind the country code.
	Mobiles []string `json:"mobiles,omitempty"`
	UserIDs []string `json:"user_ids,omitempty"` // DingTalk's userid
	All     bool     `json:"all,omitempty"`      // everybody
}

// Button is one button of a card.
type Button struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Link is one line of a feed card.
type Link struct {
	Title  string `json:"title"`
	URL    string `json:"url"`
	PicURL string `json:"pic_url,omitempty"`
}

func (a At) isZero() bool { return len(a.Mobiles) == 0 && len(a.UserIDs) == 0 && !a.All }

// normal returns a as DingTalk writes it, or the fault of its first bad entry.
func (a At) normal() (At, error) {
	n := At{UserIDs: a.UserIDs, All: a.All}
	for i, m := range a.Mobiles {
		m, ok := mobile(m)
		if !ok {
			return At{}, refused(fmt.Sprintf("extra.at.mobiles[%d]", i), "not a mobile number such as 13800138000 or +1-4155550100")
		}
		n.Mobiles = append(n.Mobiles, m)
	}
	for i, id := range a.UserIDs {
		if !isUserID(id) {
			return At{}, refused(fmt.Sprintf("extra.at.user_ids[%d]", i), "not a DingTalk userid")
		}
	}
	return n, nil
}

// mobile returns a number in the form that mentions want: mainland numbers bare, others with a hyphen behind the country code.
func mobile(s string) (string, bool) {
	if country, rest, ok := strings.Cut(strings.TrimPrefix(s, "+86-"), "-"); ok {
		return s, strings.HasPrefix(country, "+") && digits(country[1:], 1, 3) && digits(rest, 4, 14)
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "+86"), "-")
	return s, digits(s, 11, 11) && s[0] == '1'
}

func digits(s string, least, most int) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, "0123456789") == ""
}

// isUserID is lenient: the administrators of an enterprise choose the ids. A comma would make two of one.
func isUserID(s string) bool {
	bad := func(r rune) bool { return r <= ' ' || r == 0x7f || r == ',' || r == '|' }
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, bad)
}

// isURL takes web addresses and those of apps, such as dingtalk://dingtalkclient/page/link?url=…
func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Scheme != "javascript" && u.Host != "" && !strings.Contains(s, " ")
}

func checkButtons(buttons []Button) error {
	for i, b := range buttons {
		if strings.TrimSpace(b.Title) == "" {
			return refused(fmt.Sprintf("extra.buttons[%d].title", i), "missing")
		}
		if !isURL(b.URL) {
			return refused(fmt.Sprintf("extra.buttons[%d].url", i), "not an absolute URL")
		}
	}
	return nil
}

func checkLinks(links []Link) error {
	for i, l := range links {
		if strings.TrimSpace(l.Title) == "" {
			return refused(fmt.Sprintf("extra.links[%d].title", i), "missing")
		}
		if !isURL(l.URL) {
			return refused(fmt.Sprintf("extra.links[%d].url", i), "not an absolute URL")
		}
		if l.PicURL != "" && !isURL(l.PicURL) {
			return refused(fmt.Sprintf("extra.links[%d].pic_url", i), "not an absolute URL")
		}
	}
	return nil
}

// extraOf decodes d's Extra as a T.
func extraOf[T any](d channel.Delivery) (T, error) {
	x, err := channel.Decode[T](d.Extra)
	if err != nil {
		return x, fmt.Errorf("dingtalk: %w", err)
	}
	return x, nil
}
