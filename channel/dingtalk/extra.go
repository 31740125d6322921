package dingtalk

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/e7ddda3c/notify/channel"
)

// Extra is the form of Delivery.Extra for a [Robot]. URLs are absolute.
type Extra struct {
	At         At       `json:"at,omitzero"`          // the members to mention; not with Links
	PicURL     string   `json:"pic_url,omitempty"`    // picture of a link message (Text and URL, no mentions)
	Buttons    []Button `json:"buttons,omitempty"`    // turns the message into a card with these buttons; not with Links
	Horizontal bool     `json:"horizontal,omitempty"` // places the buttons side by side
	Links      []Link   `json:"links,omitempty"`      // turns the message into a feed card, which shows nothing else
}

// WorkExtra is the form of Delivery.Extra for [Work]. URLs are absolute.
type WorkExtra struct {
	PicURL     string   `json:"pic_url,omitempty"`    // picture of a link message (Text and URL): a URL, or a media id, which starts with @
	Buttons    []Button `json:"buttons,omitempty"`    // turns the message into a card with these buttons
	Horizontal bool     `json:"horizontal,omitempty"` // places the buttons side by side
}

// At selects the members of the group to mention.
type At struct {
	// Mobiles holds mobile numbers: 13800138000 or +8613800138000 for mainland China, and +1-4155550100 for other countries, with the
	// hyphen that DingTalk requires after the country code.
	Mobiles []string `json:"mobiles,omitempty"`
	UserIDs []string `json:"user_ids,omitempty"` // DingTalk userids
	All     bool     `json:"all,omitempty"`      // the whole group
}

// Button is a button of a card. Title and URL are required.
type Button struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Link is a line of a feed card. Title and URL are required.
type Link struct {
	Title  string `json:"title"`
	URL    string `json:"url"`
	PicURL string `json:"pic_url,omitempty"`
}

func (a At) isZero() bool { return len(a.Mobiles) == 0 && len(a.UserIDs) == 0 && !a.All }

// normal returns a with its mobile numbers in DingTalk's form. The error names the first invalid entry.
func (a At) normal() (At, error) {
	n := At{UserIDs: a.UserIDs, All: a.All}
	for i, m := range a.Mobiles {
		m, ok := mobile(m)
		if !ok {
			return At{}, refused(fmt.Sprintf("extra.at.mobiles[%d]", i), "must be a mobile number such as 13800138000 or +1-4155550100")
		}
		n.Mobiles = append(n.Mobiles, m)
	}
	for i, id := range a.UserIDs {
		if !isUserID(id) {
			return At{}, refused(fmt.Sprintf("extra.at.user_ids[%d]", i), "must be a DingTalk userid")
		}
	}
	return n, nil
}

// mobile returns a number in DingTalk's form for mentions: mainland numbers without the country code, others with a hyphen after it.
func mobile(s string) (string, bool) {
	if country, rest, ok := strings.Cut(strings.TrimPrefix(s, "+86-"), "-"); ok {
		return s, strings.HasPrefix(country, "+") && digits(country[1:], 1, 3) && digits(rest, 4, 14)
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "+86"), "-")
	return s, digits(s, 11, 11) && s[0] == '1'
}

func digits(s string, atLeast, atMost int) bool {
	return len(s) >= atLeast && len(s) <= atMost && strings.Trim(s, "0123456789") == ""
}

// isUserID accepts almost any id, because the administrators of an enterprise choose the userids. It refuses the comma, which separates
// the ids in a request.
func isUserID(s string) bool {
	bad := func(r rune) bool { return r <= ' ' || r == 0x7f || r == ',' || r == '|' }
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, bad)
}

// isURL reports whether s is the absolute URL of a web page or of an app, such as dingtalk://dingtalkclient/page/link?url=…
func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && u.Scheme != "javascript" && u.Host != "" && !strings.Contains(s, " ")
}

func checkButtons(buttons []Button) error {
	for i, b := range buttons {
		if strings.TrimSpace(b.Title) == "" {
			return refused(fmt.Sprintf("extra.buttons[%d].title", i), "is required")
		}
		if !isURL(b.URL) {
			return refused(fmt.Sprintf("extra.buttons[%d].url", i), "must be an absolute URL")
		}
	}
	return nil
}

func checkLinks(links []Link) error {
	for i, l := range links {
		if strings.TrimSpace(l.Title) == "" {
			return refused(fmt.Sprintf("extra.links[%d].title", i), "is required")
		}
		if !isURL(l.URL) {
			return refused(fmt.Sprintf("extra.links[%d].url", i), "must be an absolute URL")
		}
		if l.PicURL != "" && !isURL(l.PicURL) {
			return refused(fmt.Sprintf("extra.links[%d].pic_url", i), "must be an absolute URL")
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
