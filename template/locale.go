package template

import "strings"

// canonical is how a locale is looked up: in lower case, with "-". One that is longer than any real one counts as none.
func canonical(locale string) string {
	if len(locale) > 64 {
		return ""
	}
	for _, c := range []byte(locale) {
		if c == '_' || c >= 'A' && c <= 'Z' {
			return strings.ToLower(strings.ReplaceAll(locale, "_", "-"))
		}
	}
	return locale
}

// parent drops the last subtag of a locale, and a single letter that is then the last, as in RFC 4647, section 3.4.
func parent(locale string) string {
	cut := func() { locale = locale[:max(strings.LastIndexByte(locale, '-'), 0)] }
	cut()
	if n := len(locale); n >= 2 && locale[n-2] == '-' {
		cut()
	}
	return locale
}

// isLocale reports whether s could be a BCP 47 tag of a language: two or three letters, then subtags of up to eight letters and digits.
func isLocale(s string) bool {
	for i, tag := range strings.Split(canonical(s), "-") {
		if strings.Trim(tag, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || len(tag) < 1 || len(tag) > 8 {
			return false
		}
		if i == 0 && (len(tag) < 2 || len(tag) > 3 || strings.ContainsAny(tag, "0123456789")) {
			return false
		}
	}
	return true
}
