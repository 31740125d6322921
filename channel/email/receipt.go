package email

import "strings"

// queueID returns the queue id in the text of a reply, such as "2.0.0 Ok: queued as 4cZx2k0lqz" or "OK id=1vMxQ4-0003Lz-2T", or "".
func queueID(text string) string {
	for _, mark := range []string{"queued as ", "id="} {
		if _, rest, ok := strings.Cut(text, mark); ok {
			return word(rest)
		}
	}
	// Amazon SES replies "Ok 0100018f…", without a mark.
	if rest, ok := strings.CutPrefix(text, "Ok "); ok && len(word(rest)) >= 10 {
		return word(rest)
	}
	return ""
}

// word returns the first word of s, without brackets, quotes and separators. The result is "" for more than 200 bytes.
func word(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>()[];,\"", r) })
	if len(words) == 0 || len(words[0]) > 200 {
		return ""
	}
	return words[0]
}
