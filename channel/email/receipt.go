package email

import "strings"

// queueID finds the id in a server's answer, such as "2.0.0 Ok: queued as 4cZx2k0lqz" or "OK id=1vMxQ4-0003Lz-2T".
func queueID(answer string) string {
	for _, mark := range []string{"queued as ", "id="} {
		if _, rest, ok := strings.Cut(answer, mark); ok {
			return word(rest)
		}
	}
	// Amazon SES says "Ok 0100018f…" and nothing else.
	if rest, ok := strings.CutPrefix(answer, "Ok "); ok && len(word(rest)) >= 10 {
		return word(rest)
	}
	return ""
}

// word returns the first word of s that can be an id.
func word(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>()[];,\"", r) })
	if len(words) == 0 || len(words[0]) > 200 {
		return ""
	}
	return words[0]
}
