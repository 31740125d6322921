package channeltest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/e7ddda3c/notify/channel"
)

// clone returns a deep copy of d.
func clone(d channel.Delivery) channel.Delivery {
	d.Extra = slices.Clone(d.Extra)
	d.Attachments = slices.Clone(d.Attachments)
	for i, a := range d.Attachments {
		d.Attachments[i].Data = slices.Clone(a.Data)
	}
	if d.Content.Approved != nil {
		a := *d.Content.Approved
		a.Params = slices.Clone(a.Params)
		d.Content.Approved = &a
	}
	return d
}

// private returns the texts of d that must not appear in errors: address and content. Texts shorter than four bytes are left out,
// because they could appear by chance.
func private(d channel.Delivery) []string {
	c := d.Content
	all := []string{d.To, d.Recipient, c.Title, c.Text, c.HTML, c.Markdown, c.URL}
	if c.Approved != nil {
		for _, p := range c.Approved.Params {
			all = append(all, p.Value)
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return len(s) < 4 })
}

// bodies returns a copy of d in which f has replaced each text of the content, except for the title and the URL.
func bodies(d channel.Delivery, f func(string) string) channel.Delivery {
	d = clone(d)
	c := &d.Content
	texts := []*string{&c.Markdown, &c.HTML, &c.Text}
	if c.Approved != nil {
		for i := range c.Approved.Params {
			texts = append(texts, &c.Approved.Params[i].Value)
		}
	}
	for _, t := range texts {
		if *t != "" {
			*t = f(*t)
		}
	}
	return d
}

// fields returns the paths of the strings in d that a sender chooses freely. It leaves out the ids, names and classes that notify
// itself checks.
func fields(d channel.Delivery) []string {
	own := []string{"id", "message_id", "tenant", "channel", "class", "expire_at"}
	var paths []string
	edit(d, func(path, s string) string {
		if !slices.Contains(own, path) && !strings.HasSuffix(path, ".data") {
			paths = append(paths, path)
		}
		return s
	})
	slices.Sort(paths)
	return paths
}

// with returns d with suffix added to the string at path.
func with(d channel.Delivery, path, suffix string) channel.Delivery {
	return edit(d, func(p, s string) string {
		if p == path {
			return s + suffix
		}
		return s
	})
}

// edit returns a copy of d in which f has replaced each string. f gets the string and its path in d's JSON.
func edit(d channel.Delivery, f func(path, s string) string) channel.Delivery {
	var tree any
	recode(d, &tree)
	var out channel.Delivery
	recode(walk(tree, "", f), &out)
	return out
}

// recode copies from to *to by way of JSON.
func recode(from, to any) {
	b, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(b, to)
	}
	if err != nil {
		panic(fmt.Sprintf("channeltest: Suite.Delivery must survive a copy by way of JSON: %v", err))
	}
}

// walk replaces each string in a decoded JSON value by the result of f. path is the path of v.
func walk(v any, path string, f func(path, s string) string) any {
	switch v := v.(type) {
	case string:
		return f(path, v)
	case []any:
		for i := range v {
			v[i] = walk(v[i], fmt.Sprintf("%s[%d]", path, i), f)
		}
	case map[string]any:
		for k := range v {
			v[k] = walk(v[k], strings.TrimPrefix(path+"."+k, "."), f)
		}
	}
	return v
}
