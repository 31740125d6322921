package httpsend

import (
	"fmt"
	"net/url"
)

// CheckURL refuses a raw URL that [Do] could not send to: it must be an absolute URL of http or https. option is the name of the
// driver's option that holds the URL. The error does not repeat the URL, which may hold a secret.
func CheckURL(option, raw string) error {
	if u, err := url.Parse(raw); err != nil || !reachable(u) {
		return fmt.Errorf("%s must be an absolute http or https URL", option)
	}
	return nil
}

// reachable reports whether u has a scheme that Do speaks, and a host.
func reachable(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
